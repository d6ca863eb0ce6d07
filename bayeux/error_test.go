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
		{"CometD 4", MetaConnect, "402::Unknown client", KindUnknownSession},
		{"CometD 4", MetaSubscribe, "402::Unknown client", KindUnknownSession},
		{"CometD 4", MetaHandshake, "403::Handshake denied", KindUnauthorized},
		{"CometD 4", MetaSubscribe, "403:reason:subscribe_denied", KindForbidden},
		{"CometD 4", MetaSubscribe, "403:denied_by_policy:create_denied", KindForbidden},
		{"CometD 4", event, "403:reason:publish_denied", KindForbidden},
		{"CometD 4", "", "400::channel missing", KindMalformed},

		{"CometD 9", MetaConnect, "402::session_unknown", KindUnknownSession},
		{"CometD 9", MetaSubscribe, "402::session_unknown", KindUnknownSession},
		{"Lyrion", MetaConnect, "invalid clientId", KindUnknownSession},
		{"CometD 9", event, "402::session_unknown", KindUnknownSession},
		{"CometD 9", MetaHandshake, "403::handshake_denied", KindUnauthorized},
		{"CometD 9", MetaHandshake, "403::handshake_failed", KindUnauthorized},
		{"CometD 9", MetaSubscribe, "403:denied_by_security_policy:subscribe_denied", KindForbidden},
		{"CometD 9", MetaSubscribe, "403:denied_by_security_policy:create_denied", KindForbidden},
		{"CometD 9", MetaSubscribe, "403:denied_by_security_policy:channel_create_denied", KindForbidden},
		{"CometD 9", event, "403:denied_by_security_policy:publish_denied", KindForbidden},
		{"CometD 9", "", "400::channel_missing", KindMalformed},
		{"CometD 9", MetaUnsubscribe, "400::channel_missing", KindMalformed},
		{"CometD 9", MetaSubscribe, "403::subscription_missing", KindMalformed},
		{"CometD 9", MetaSubscribe, "403::subscription_invalid", KindInvalidChannel},
		{"CometD 9", event, "405::channel_invalid", KindInvalidChannel},
		{"CometD 9", MetaConnect, "405::message_id_invalid", KindMalformed},
		{"CometD 9", event, "404::message_deleted", KindMalformed},

		{"Faye", MetaConnect, "401:nope:Unknown client", KindUnknownSession},
		{"Faye", MetaSubscribe, "401:o5vj:Unknown client", KindUnknownSession},
		{"Faye", MetaHandshake, "402:version:Missing required parameter", KindMalformed},
		{"Faye", event, "402:data:Missing required parameter", KindMalformed},
		{"Faye", MetaHandshake, "301:iframe:Connection types not supported", KindRefused},
		{"Faye", MetaSubscribe, "403:/x:Forbidden channel", KindForbidden},
		{"Faye", MetaSubscribe, "405:/x:Invalid channel", KindInvalidChannel},
		{"Faye", MetaSubscribe, "404:/x:Unknown channel", KindInvalidChannel},
		{"Faye", event, "400::Bad request", KindMalformed},
		{"Faye", event, "407:/x:Failed to publish", KindMalformed},
		{"Faye", MetaSubscribe, "500::Internal server error", KindFailed},
		{"Faye", MetaHandshake, "403::Auth required", KindUnauthorized},
		{"Faye", MetaSubscribe, "403::Auth required", KindForbidden},
		{"Faye", MetaSubscribe, "Invalid auth token", KindRefused},

		{"Salesforce", MetaConnect, "403::Unknown client", KindUnknownSession},
		{"Salesforce", MetaConnect, "403::Client has not completed handshake", KindUnknownSession},
		{"Salesforce", MetaHandshake, "403::Handshake denied", KindUnauthorized},
		{"Salesforce", MetaHandshake, "401::Authentication invalid", KindUnauthorized},
		{"Salesforce", MetaConnect, "401::Authentication invalid", KindUnauthorized},
		{"Salesforce", MetaConnect, "401::Request requires authentication", KindUnauthorized},
		{"Salesforce", MetaSubscribe, "403:denied_by_security_policy:create_denied", KindForbidden},
		{"Salesforce", MetaSubscribe, "403:denied_by_security_policy:subscribe_denied", KindForbidden},
		{"Salesforce", MetaSubscribe, "403::Restricted channel", KindForbidden},
		{"Salesforce", MetaSubscribe, "503::Server is too busy", KindBusy},
		{"Salesforce", MetaConnect, "403::Organization total events daily limit exceeded", KindBusy},
		{"Salesforce", MetaHandshake, "403::Organization concurrent user limit exceeded", KindBusy},
		{"Salesforce", MetaSubscribe, "403::Subscription limit exceeded for this topic", KindBusy},
		{"Salesforce", MetaHandshake, "400::API version in the URI is mandatory. URI format: '/cometd/43.0'", KindMalformed},
		{"Salesforce", MetaSubscribe, "400::The replayId {123} you provided was invalid.  Please provide a valid ID, -2 to replay all events, or -1 to replay only new events.", KindMalformed},
		{"Salesforce", MetaConnect, "413::Maximum Request Size Exceeded", KindMalformed},

		{"GMS", MetaConnect, "402::unknown client", KindUnknownSession},
		{"a handshake names no session", MetaHandshake, "402::session_unknown", KindUnauthorized},
		{"no text", MetaSubscribe, "403::", KindForbidden},
		{"no text", MetaConnect, "401", KindRefused},
		{"HTTP's words", event, "429::slow down", KindBusy},
		{"nothing", MetaSubscribe, "", KindRefused},
		{"an unheard-of number", MetaSubscribe, "999::x", KindRefused},

		// A channel's name is somebody's choice, and none of it a reason.
		{"Faye", MetaSubscribe, "405:/session_unknown:Invalid channel", KindInvalidChannel},
		{"Faye", MetaSubscribe, "405:/unknown client:Invalid channel", KindInvalidChannel},
		{"Faye", event, "403:/too many:Forbidden channel", KindForbidden},
		{"CometD 9", service, "403:session_unknown:publish_denied", KindForbidden},
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
	require.ErrorIs(t, silent.Err(), &Error{Kind: KindRefused})
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
		{`{"sfdc":{"failureReason":"503::Server is too busy"}}`, KindBusy, "503::Server is too busy"},
		{`{"replay":true,"sfdc":{"failureReason":"401::Authentication invalid"}}`, KindUnauthorized, "401::Authentication invalid"},
		{`{"sfdc":{"failureReason":""}}`, KindForbidden, "403:x:subscribe_denied"},
		{`{"sfdc":{"failureReason":5}}`, KindForbidden, "403:x:subscribe_denied"},
		{`{"sfdc":{"FailureReason":"503::busy"}}`, KindForbidden, "403:x:subscribe_denied"},
		{`{"sfdc":"503::busy"}`, KindForbidden, "403:x:subscribe_denied"},
		{`["sfdc"]`, KindForbidden, "403:x:subscribe_denied"},
		{`5`, KindForbidden, "403:x:subscribe_denied"},
		{``, KindForbidden, "403:x:subscribe_denied"},
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
