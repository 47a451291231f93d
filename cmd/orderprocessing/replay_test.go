package main_test

import (
	"bytes"
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/orderprocessing/orderprocessing/clients/replay"
)

func TestReplay(t *testing.T) {
	s := newSite(t)
	srv := s.serve(t)
	file := sampleBooks(t).files[0]

	t.Run("one JSON object says what it did, and the name of the run", func(t *testing.T) {
		got := s.run(t, "replay", "--json", "--server", srv.url, "--run", "first", "--limit", "20", file)
		require.Zero(t, got.code, "%s", got.stderr)
		require.Contains(t, got.stderr, "--run first")
		decoder := json.NewDecoder(bytes.NewReader([]byte(got.stdout)))
		decoder.DisallowUnknownFields()
		var summary replay.Summary
		require.NoError(t, decoder.Decode(&summary))
		require.False(t, decoder.More())
		require.True(t, summary.OK())
		require.EqualValues(t, 20, summary.Documents.Read)
		require.Equal(t, summary.Orders.Placed, summary.Ends["completed"])
	})
	t.Run("a table says it to people", func(t *testing.T) {
		table := s.do(t, "replay", "--server", srv.url, "--run", "first", "--limit", "20", file)
		require.Regexp(t, `(?m)^ORDERS +REVIEWED +CONFIRMED +DELIVERED +FAILED$`, table)
		require.Regexp(t, `(?m)^to confirmed( +[\d.]+){3}$`, table)
		require.Contains(t, table, "replay first: ")
	})
	t.Run("an order that is left waiting ends it with 1", func(t *testing.T) {
		got := s.run(t, "replay", "--server", srv.url, "--payment-method", "tok_insufficient_funds", "--limit", "1", file)
		require.Equal(t, 1, got.code)
		require.Contains(t, got.stdout, "orders left: action_required 1")
		require.Contains(t, got.stdout, "reasons: INSUFFICIENT_FUNDS 1")
	})
	t.Run("a server that is away for too long ends it with 1", func(t *testing.T) {
		got := s.run(t, "replay", "--server", "http://127.0.0.1:1", "--retry-for", "1s", file)
		require.Equal(t, 1, got.code)
		require.Contains(t, got.stderr, "127.0.0.1:1")
	})
	s.verify(t)
}
