package bayeuxtest

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/turold/turold/bayeux"
)

// begun is a session with a subscription to /a and its first connect behind it.
func (c *caller) begun() {
	c.Helper()
	c.begin()
	c.say(`[{"channel":"/meta/subscribe","id":"2","clientId":"CID","subscription":"/a"}]`)
	c.connect()
}

func (c *caller) begin() {
	c.Helper()
	c.id = c.say(`[{"channel":"/meta/handshake","id":"1","version":"1.0","supportedConnectionTypes":["long-polling"]}]`)[0].Meta.ClientID
}

// connect is the answer to a connect that is not held.
func (c *caller) connect() string {
	_, body := c.post(`[{"channel":"/meta/connect","id":"c","clientId":"CID","connectionType":"long-polling","advice":{"timeout":0}}]`)
	return body
}

// TestRelay has another client publish what CometD 9, CometD 3.0 and Faye 1.4
// relay, and looks for what those have been seen to make of it.
func TestRelay(t *testing.T) {
	const none = ""
	for _, row := range []struct{ said, cometd, faye string }{
		{`"data":1,"subscription":5`, `"data":1,"subscription":5`, `"data":1,"subscription":5`},
		{`"data":1,"id":"17","successful":true`, `"data":1,"successful":true`, `"data":1,"id":"17","successful":true`},
		{`"data":1,"id":17,"successful":"yes"`, `"data":1,"successful":"yes"`, `"data":1,"id":17,"successful":"yes"`},
		{`"data":1,"successful":false,"error":"402::x"`, `"data":1,"successful":false,"error":"402::x"`, none},
		{`"data":1,"error":""`, `"data":1,"error":""`, `"data":1,"error":""`},
		{`"data":1,"error":5`, `"data":1,"error":5`, none},
		{`"data":1,"advice":5,"version":{}`, `"data":1,"advice":5,"version":{}`, `"data":1,"advice":5,"version":{}`},
		{`"mine":[1,{"a":"b"}],"data":null`, `"mine":[1,{"a":"b"}],"data":null`, `"mine":[1,{"a":"b"}],"data":null`},
		{`"data":1,"__proto__":{}`, `"data":1,"__proto__":{}`, `"data":1`},
		{`"data":1,"data":2`, `"data":2`, `"data":2`},
		{`"mine":1`, `"mine":1`, none},
		{`"successful":true,"id":"7"`, `"successful":true`, none},
		{`"data":[1e999,-1e999,"1e999",1e99,-0]`, `"data":[Infinity,-Infinity,"1e999",1e99,-0]`, `"data":[null,null,"1e999",1e99,-0]`},
	} {
		t.Run(row.said, func(t *testing.T) {
			for profile, want := range map[Profile]string{CometD: row.cometd, Faye: row.faye} {
				onServer(t, &Options{Profile: profile}, func(c *caller) {
					c.begun()
					err := c.s.PublishRaw(`{"channel":"/a",` + row.said + `}`)
					got := c.connect()
					if want == none {
						var refused *bayeux.Error
						require.ErrorAs(c, err, &refused)
						require.NotContains(c, got, `"/a"`)
						return
					}
					require.NoError(c, err)
					require.Contains(c, got, `{"channel":"/a",`+want+`}`)
					require.Contains(c, got, `"/meta/connect"`)
					// The same from a client of its own.
					_, got = c.post(`[{"channel":"/a","clientId":"CID",` + row.said + `}]`)
					require.Contains(c, got+c.connect(), `{"channel":"/a",`+want+`}`)
				})
			}
		})
	}
}

func TestPublishRawSaysWhatIsNoMessage(t *testing.T) {
	onServer(t, nil, func(c *caller) {
		for _, bad := range []string{``, `1`, `[]`, `{`, `[{"channel":"/a"},{"channel":"/a"}]`, `{}`, `{"channel":5}`, `{"channel":"a"}`, `{"channel":"/a","id":{}}`, `{"channel":"/meta/connect"}`} {
			require.Error(c, c.s.PublishRaw(bad), bad)
		}
		require.NoError(c, c.s.PublishRaw(`{"channel":"/service/x","data":1}`))
		require.Equal(c, 3, c.s.Stats().Publishes-1, "what is no message is not counted")
	})
}

// TestLyrion holds the profile to what the source of the server does.
func TestLyrion(t *testing.T) {
	for ids, want := range map[IDs][3]bool{AllIDs: {true, true, true}, NoConnectIDs: {true, false, true}, NoMetaIDs: {false, false, true}, NoIDs: {}} {
		d := Lyrion.Dialect()
		require.Equal(t, NoMetaIDs, d.IDs)
		d.IDs = ids
		onServer(t, &Options{Profile: Lyrion, Dialect: &d}, func(c *caller) {
			_, shake := c.post(`[{"channel":"/meta/handshake","id":"1","version":"1.0","supportedConnectionTypes":["long-polling"]}]`)
			require.Equal(c, want[0], strings.Contains(shake, `"id":"1"`), shake)
			require.Contains(c, shake, `"supportedConnectionTypes":["long-polling","streaming"]`)
			require.Contains(c, shake, `"timeout":60000`)
			c.begin()
			require.Regexp(c, `^[0-9a-f]{8}$`, c.id)
			require.Equal(c, want[1], strings.Contains(c.connect(), `"id":"c"`))
			_, published := c.post(`[{"channel":"/b","id":"3","clientId":"CID","data":1}]`)
			require.Equal(c, want[2], strings.Contains(published, `"id":"3"`))
		})
	}
	onServer(t, &Options{Profile: Lyrion}, func(c *caller) {
		c.begun()
		c.http.Jar = nil // it wants no cookie
		require.NoError(c, c.s.Publish("/"+bayeux.Channel(c.id)+"/slim/x", 1))
		require.NoError(c, c.s.PublishRaw(`{"channel":"/a","id":"9","clientId":"who","data":2,"mine":3}`))
		got := c.connect()
		require.Contains(c, got, `"channel":"/`+c.id+`/slim/x"`, "without a subscription")
		require.Contains(c, got, `{"channel":"/a","id":"9","clientId":"who","data":2,"mine":3}`)
		require.True(c, strings.HasPrefix(got, `[{"channel":"/meta/connect"`), "the reply comes first")
		c.id = "deadbeef"
		_, got = c.post(`[{"channel":"/a","id":"3","clientId":"CID","data":1},{"channel":"/a","id":"4","clientId":"CID","data":1}]`)
		require.Equal(c, `[{"channel":"/a","id":"3","error":"invalid clientId","successful":false,"advice":{"reconnect":"handshake","interval":0}}]`, got)
	})
}

// TestCumulocity holds the profile to what the reference guide prints.
func TestCumulocity(t *testing.T) {
	onServer(t, &Options{Profile: Cumulocity}, func(c *caller) {
		_, shake := c.post(`[{"channel":"/meta/handshake","id":"1","version":"1.0","supportedConnectionTypes":["long-polling"]}]`)
		require.Contains(c, shake, `"timeout":5400000`)
		c.begin()
		_, subscribed := c.post(`[{"channel":"/meta/subscribe","id":"2","clientId":"CID","subscription":"/a"}]`)
		require.Contains(c, subscribed, `"subscription":"/a","successful":true,"error":""`)
		c.connect()
		require.NoError(c, c.s.Publish("/a", map[string]string{"realtimeAction": "CREATE"}))
		require.Contains(c, c.connect(), `{"channel":"/a","data":[{"realtimeAction":"CREATE"}],"successful":true,"error":"","clientId":"`+c.id+`"}`)
	})
}
