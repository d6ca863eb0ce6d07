package client_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/turold/turold/bayeux"
	"github.com/turold/turold/client"
)

// A quote is what an embedder's events hold.
type quote struct{ N int }

// stream is what an embedder's test plays to code that ranges over a stream.
func stream(end error, items ...client.Item[bayeux.Message]) iter.Seq2[client.Item[bayeux.Message], error] {
	return func(yield func(client.Item[bayeux.Message], error) bool) {
		for _, item := range items {
			if !yield(item, nil) {
				return
			}
		}
		if end != nil {
			yield(client.Item[bayeux.Message]{}, end)
		}
	}
}

func event(ch bayeux.Channel, data string) client.Item[bayeux.Message] {
	return client.ItemOf(ch, bayeux.Message{Channel: ch, Data: []byte(data)})
}

// natural is the loop that anybody writes first.
func natural(items iter.Seq2[client.Item[quote], error]) (got []string, err error) {
	for item, err := range items {
		if err != nil {
			return got, err
		}
		if q, ok := item.Value(); ok {
			got = append(got, fmt.Sprintf("%s %d", item.Channel(), q.N))
		} else {
			got = append(got, fmt.Sprintf("%s %T", item.Channel(), item.Problem()))
		}
	}
	return got, nil
}

// TestNaturalLoop: the loop that returns at an error outlasts gaps and data that
// does not fit, and ends where the stream does.
func TestNaturalLoop(t *testing.T) {
	over := errors.New("over")
	got, err := natural(client.Values[quote](stream(over,
		event("/quotes/a", `{"n":1}`),
		client.ItemOfGap[bayeux.Message](&client.GapError{Channel: "/quotes/*", Reason: client.GapNewSession, Missed: -1}),
		event("/quotes/b", `"none"`),
		event("/quotes/c", `{"n":2}`))))
	require.ErrorIs(t, err, over)
	require.Equal(t, []string{"/quotes/a 1", "/quotes/* *client.GapError", "/quotes/b *client.DecodeError", "/quotes/c 2"}, got)

	got, err = natural(client.Values[quote](stream(nil, event("/a", `{"n":1}`))))
	require.NoError(t, err)
	require.Equal(t, []string{"/a 1"}, got)
}

// TestValuesEndAtAnError: whatever a stream yields behind one.
func TestValuesEndAtAnError(t *testing.T) {
	twice := func(yield func(client.Item[bayeux.Message], error) bool) {
		for range 2 {
			if !yield(client.Item[bayeux.Message]{}, context.Canceled) {
				return
			}
		}
	}
	count := 0
	for range client.Values[quote](twice) {
		count++
	}
	require.Equal(t, 1, count)
}

func TestItem(t *testing.T) {
	gap := &client.GapError{Channel: "/a", Reason: client.GapQueueFull, Missed: 3}
	misfit := &client.DecodeError{Message: bayeux.Message{Channel: "/b"}, Err: errors.New("no")}
	for _, tc := range []struct {
		item   client.Item[string]
		value  bool
		text   string
		gap    *client.GapError
		misfit *client.DecodeError
	}{
		{client.ItemOf("/c", "very-secret"), true, "client: item of /c", nil, nil},
		{client.ItemOfGap[string](gap), false, gap.Error(), gap, nil},
		{client.ItemOfMisfit[string](misfit), false, misfit.Error(), nil, misfit},
		{client.Item[string]{}, false, "client: item of ", nil, nil},
	} {
		value, ok := tc.item.Value()
		require.Equal(t, tc.value, ok)
		require.Equal(t, ok, value != "")
		require.Equal(t, tc.gap, tc.item.Gap())
		require.Equal(t, tc.misfit, tc.item.Misfit())
		require.Equal(t, tc.gap == nil && tc.misfit == nil, tc.item.Problem() == nil)
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%d"} {
			require.Equal(t, tc.text, fmt.Sprintf(verb, tc.item))
		}
	}
}

// TestStreamAllocatesForDataAlone: an Item costs nothing beside what its data does.
func TestStreamAllocatesForDataAlone(t *testing.T) {
	if raced {
		t.Skip("the race detector allocates")
	}
	items := slices.Repeat([]client.Item[bayeux.Message]{event("/a", `{"n":1}`)}, 1000)
	read := func() {
		for item, err := range stream(nil, items...) {
			if _, ok := item.Value(); !ok || err != nil {
				t.Fatal(item, err)
			}
		}
	}
	require.Less(t, testing.AllocsPerRun(10, read), 10.0)
}
