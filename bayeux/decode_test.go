package bayeux

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestDecodeRoundTrip(t *testing.T) {
	in := `[{"data":{"n":1,"n":2},"channel":"/lab/seq"},{"ext":{"ack":2},"channel":"/meta/connect","id":7,"successful":true,"advice":{"interval":2000,"timeout":1e9,"reconnect":"retry","long-polling":{"interval":5}}}]`
	ms, err := Decode([]byte(in), Limits{})
	require.NoError(t, err)
	require.Len(t, ms, 2)
	require.Equal(t, `{"n":1,"n":2}`, string(ms[0].Data))
	require.Nil(t, ms[0].Meta)
	require.Equal(t, "7", ms[1].ID)
	require.True(t, ms[1].OK())
	require.Equal(t, MaxAdvised, *ms[1].Advice().Timeout)
	out := Append(nil, ms)
	again, err := Decode(out, Limits{})
	require.NoError(t, err)
	require.Equal(t, string(out), string(Append(nil, again)))
}
