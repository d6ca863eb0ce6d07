// Package bayeux holds the words of the Bayeux protocol: messages, channels,
// advice, errors, and the codec between them and JSON.
//
// It promises that data and ext reach the reader byte for byte as they were
// sent, that nothing a peer sends makes it panic or use memory out of
// proportion to the [Limits], and that names are compared exactly: a key that
// differs from a reserved one in case only is an unknown key.
//
// A message costs itself, never its neighbours: one that cannot be read, for bad
// JSON, bytes that are not UTF-8, a reserved key that comes twice or has a value of
// the wrong kind where it means something, stands in its place and says so
// (Meta.Unreadable). A key that means nothing where it stands, as subscription or advice in
// an event, is passed over whatever its value is: servers relay what publishers write.
//
// Lone surrogates, which are grammatical when escaped
// ("\ud83d"), stay as they are in data and ext and read as U+FFFD in names, ids
// and texts. A reserved key whose value is null counts as absent, except data.
//
// Every other room of the module may call it. It does no I/O, starts no
// goroutine, reads no clock and writes no log, and knows neither transports
// nor sessions. Values are plain data: they are safe for concurrent use as
// long as no goroutine changes them.
package bayeux
