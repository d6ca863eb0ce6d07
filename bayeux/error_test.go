package bayeux

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestParseErrorKind(t *testing.T) {
	const event, service = Channel("/stock/ACME"), Channel("/service/rpc")
	for _, c := range []struct {
		server string
		ch     Channel
		raw    string
		want   Kind
	}{
		{"CometD 4", MetaConnect, "402::Unknown client", UnknownSession},
		{"CometD 4", MetaSubscribe, "402::Unknown client", UnknownSession},
		{"CometD 4", MetaHandshake, "403::Handshake denied", Unauthorized},
		{"CometD 4", MetaSubscribe, "403:reason:subscribe_denied", Forbidden},
		{"CometD 4", MetaSubscribe, "403:denied_by_policy:create_denied", Forbidden},
		{"CometD 4", event, "403:reason:publish_denied", Forbidden},
		{"CometD 4", "", "400::channel missing", Malformed},

		{"CometD 9", MetaConnect, "402::session_unknown", UnknownSession},
		{"CometD 9", MetaSubscribe, "402::session_unknown", UnknownSession},
		{"Lyrion", MetaConnect, "invalid clientId", UnknownSession},
		{"CometD 9", event, "402::session_unknown", UnknownSession},
		{"CometD 9", MetaHandshake, "403::handshake_denied", Unauthorized},
		{"CometD 9", MetaHandshake, "403::handshake_failed", Unauthorized},
		{"CometD 9", MetaSubscribe, "403:denied_by_security_policy:subscribe_denied", Forbidden},
		{"CometD 9", MetaSubscribe, "403:denied_by_security_policy:create_denied", Forbidden},
		{"CometD 9", MetaSubscribe, "403:denied_by_security_policy:channel_create_denied", Forbidden},
		{"CometD 9", event, "403:denied_by_security_policy:publish_denied", Forbidden},
		{"CometD 9", "", "400::channel_missing", Malformed},
		{"CometD 9", MetaUnsubscribe, "400::channel_missing", Malformed},
		{"CometD 9", MetaSubscribe, "403::subscription_missing", Malformed},
		{"CometD 9", MetaSubscribe, "403::subscription_invalid", InvalidChannel},
		{"CometD 9", event, "405::channel_invalid", InvalidChannel},
		{"CometD 9", MetaConnect, "405::message_id_invalid", Malformed},
		{"CometD 9", event, "404::message_deleted", Malformed},

		{"Faye", MetaConnect, "401:nope:Unknown client", UnknownSession},
		{"Faye", MetaSubscribe, "401:o5vj:Unknown client", UnknownSession},
		{"Faye", MetaHandshake, "402:version:Missing required parameter", Malformed},
		{"Faye", event, "402:data:Missing required parameter", Malformed},
		{"Faye", MetaHandshake, "301:iframe:Connection types not supported", Refused},
		{"Faye", MetaSubscribe, "403:/x:Forbidden channel", Forbidden},
		{"Faye", MetaSubscribe, "405:/x:Invalid channel", InvalidChannel},
		{"Faye", MetaSubscribe, "404:/x:Unknown channel", InvalidChannel},
		{"Faye", event, "400::Bad request", Malformed},
		{"Faye", event, "407:/x:Failed to publish", Malformed},
		{"Faye", MetaSubscribe, "500::Internal server error", Failed},
		{"Faye", MetaHandshake, "403::Auth required", Unauthorized},
		{"Faye", MetaSubscribe, "403::Auth required", Forbidden},
		{"Faye", MetaSubscribe, "Invalid auth token", Refused},

		{"Salesforce", MetaConnect, "403::Unknown client", UnknownSession},
		{"Salesforce", MetaConnect, "403::Client has not completed handshake", UnknownSession},
		{"Salesforce", MetaHandshake, "403::Handshake denied", Unauthorized},
		{"Salesforce", MetaHandshake, "401::Authentication invalid", Unauthorized},
		{"Salesforce", MetaConnect, "401::Authentication invalid", Unauthorized},
		{"Salesforce", MetaConnect, "401::Request requires authentication", Unauthorized},
		{"Salesforce", MetaSubscribe, "403:denied_by_security_policy:create_denied", Forbidden},
		{"Salesforce", MetaSubscribe, "403:denied_by_security_policy:subscribe_denied", Forbidden},
		{"Salesforce", MetaSubscribe, "403::Restricted channel", Forbidden},
		{"Salesforce", MetaSubscribe, "503::Server is too busy", Busy},
		{"Salesforce", MetaConnect, "403::Organization total events daily limit exceeded", Busy},
		{"Salesforce", MetaHandshake, "403::Organization concurrent user limit exceeded", Busy},
		{"Salesforce", MetaSubscribe, "403::Subscription limit exceeded for this topic", Busy},
		{"Salesforce", MetaHandshake, "400::API version in the URI is mandatory. URI format: '/cometd/43.0'", Malformed},
		{"Salesforce", MetaSubscribe, "400::The replayId {123} you provided was invalid.  Please provide a valid ID, -2 to replay all events, or -1 to replay only new events.", Malformed},
		{"Salesforce", MetaConnect, "413::Maximum Request Size Exceeded", Malformed},

		{"GMS", MetaConnect, "402::unknown client", UnknownSession},
		{"a handshake names no session", MetaHandshake, "402::session_unknown", Unauthorized},
		{"no text", MetaSubscribe, "403::", Forbidden},
		{"no text", MetaConnect, "401", Refused},
		{"HTTP's words", event, "429::slow down", Busy},
		{"nothing", MetaSubscribe, "", Refused},
		{"an unheard-of number", MetaSubscribe, "999::x", Refused},

		// A channel's name is somebody's choice, and none of it a reason.
		{"Faye", MetaSubscribe, "405:/session_unknown:Invalid channel", InvalidChannel},
		{"Faye", MetaSubscribe, "405:/unknown client:Invalid channel", InvalidChannel},
		{"Faye", event, "403:/too many:Forbidden channel", Forbidden},
		{"CometD 9", service, "403:session_unknown:publish_denied", Forbidden},
	} {
		t.Run(c.server+" "+c.raw, func(t *testing.T) {
			e := ParseError(c.ch, c.raw)
			require.Equal(t, c.want, e.Kind)
			require.Equal(t, c.raw, e.Raw)
			require.ErrorIs(t, fmt.Errorf("wrapped: %w", e), &Error{Kind: c.want, Code: 1})
		})
	}
}

func TestParseErrorParts(t *testing.T) {
	for _, c := range []struct {
		raw  string
		code int
		args []string
		text string
	}{
		{"402::session_unknown", 402, nil, "session_unknown"},
		{"401:nope:Unknown client", 401, []string{"nope"}, "Unknown client"},
		{"403:a,b:no: not you", 403, []string{"a", "b"}, "no: not you"},
		{"403:,:x", 403, []string{"", ""}, "x"},
		{"403:text", 403, nil, "text"},
		{"403:", 403, nil, ""},
		{"403", 0, nil, "403"},
		{"-403::x", 0, nil, "-403::x"},
		{"+403::x", 0, nil, "+403::x"},
		{" 403::x", 0, nil, " 403::x"},
		{"99999999999999999999::x", 0, nil, "99999999999999999999::x"},
		{"no grammar: at all", 0, nil, "no grammar: at all"},
		{`{"code":402}`, 0, nil, `{"code":402}`},
		{"", 0, nil, ""},
	} {
		e := ParseError(MetaConnect, c.raw)
		require.Equal(t, c.code, e.Code, c.raw)
		require.Equal(t, c.args, e.Args, c.raw)
		require.Equal(t, c.text, e.Text, c.raw)
	}
	e := ParseError(MetaConnect, "400:"+strings.Repeat(",", 1<<20)+":x")
	require.Len(t, e.Args, maxArgs)
	require.Equal(t, "x", e.Text)
}

func TestErrorText(t *testing.T) {
	for _, c := range []struct{ raw, want string }{
		{"403:denied_by_security_policy:publish_denied", "bayeux: forbidden: 403:denied_by_security_policy:publish_denied"},
		{"402::session_unknown", "bayeux: unknown session: 402::session_unknown"},
		{"401:21xapy48p6pux9:Unknown client", "bayeux: unknown session: 401::Unknown client"},
		{"400::two\nlines\x1b[31m", `bayeux: malformed: 400::two\nlines\x1b[31m`},
		{"", "bayeux: refused"},
	} {
		e := ParseError("/a", c.raw)
		require.Equal(t, c.want, e.Error())
		require.NotContains(t, fmt.Sprintf("%v %+v %#v %s", e, e, e, e), "21xapy48p6pux9")
	}
	require.Less(t, len(ParseError("/a", strings.Repeat("x", 1<<20)).Error()), 300)
	require.Equal(t, "bayeux: busy", ErrBusy.Error())
	require.Equal(t, "kind 200", Kind(200).String())
}

func TestErrorSentinels(t *testing.T) {
	all := []*Error{ErrUnknownSession, ErrUnauthorized, ErrForbidden, ErrInvalidChannel, ErrMalformed, ErrBusy, ErrFailed}
	for _, a := range all {
		for _, b := range all {
			require.Equal(t, a == b, errors.Is(a, b))
		}
		require.NotErrorIs(t, a, errors.New("x"))
	}
}

func TestMessageErr(t *testing.T) {
	bare := Message{Channel: "/a"}
	require.NoError(t, bare.Err(), "without successful and error it is granted")
	refused := Message{Channel: "/a", Meta: &Meta{Error: "402::session_unknown"}}
	require.ErrorIs(t, refused.Err(), ErrUnknownSession, "an error refuses without successful")
	ok := Message{Channel: "/a", Meta: &Meta{Verdict: true, Successful: true, Error: "402::session_unknown"}}
	require.NoError(t, ok.Err())
	require.True(t, ok.Granted())
	silent := Message{Channel: MetaConnect, Meta: &Meta{Verdict: true}}
	require.ErrorIs(t, silent.Err(), &Error{Kind: Refused})
	gone := Message{Channel: MetaConnect, Meta: &Meta{Verdict: true, Error: "402::session_unknown"}}
	require.ErrorIs(t, gone.Err(), ErrUnknownSession)
	require.NotErrorIs(t, gone.Err(), ErrForbidden)
	require.False(t, gone.Granted())
	require.Nil(t, (&Message{}).Advice())
}

// Salesforce says in ext what it does not say in error.
func TestMessageErrFailureReason(t *testing.T) {
	for _, c := range []struct {
		ext  string
		want Kind
		text string
	}{
		{`{"sfdc":{"failureReason":"503::Server is too busy"}}`, Busy, "503::Server is too busy"},
		{`{"replay":true,"sfdc":{"failureReason":"401::Authentication invalid"}}`, Unauthorized, "401::Authentication invalid"},
		{`{"sfdc":{"failureReason":""}}`, Forbidden, "403:x:subscribe_denied"},
		{`{"sfdc":{"failureReason":5}}`, Forbidden, "403:x:subscribe_denied"},
		{`{"sfdc":{"FailureReason":"503::busy"}}`, Forbidden, "403:x:subscribe_denied"},
		{`{"sfdc":"503::busy"}`, Forbidden, "403:x:subscribe_denied"},
		{`["sfdc"]`, Forbidden, "403:x:subscribe_denied"},
		{`5`, Forbidden, "403:x:subscribe_denied"},
		{``, Forbidden, "403:x:subscribe_denied"},
	} {
		m := Message{Channel: MetaSubscribe, Ext: []byte(c.ext), Meta: &Meta{Verdict: true, Error: "403:x:subscribe_denied"}}
		var e *Error
		require.ErrorAs(t, m.Err(), &e, c.ext)
		require.Equal(t, c.want, e.Kind, c.ext)
		require.Equal(t, c.text, e.Raw, c.ext)
		m.Meta.Successful = true
		require.NoError(t, m.Err())
	}
}
