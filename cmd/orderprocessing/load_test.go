package main_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/orderprocessing/orderprocessing/clients/load"
)

func TestLoad(t *testing.T) {
	s := newSite(t)
	srv := s.serve(t)
	small := func(args ...string) []string {
		return append([]string{"load", "--server", srv.url, "--step", "1s", "--products", "10", "--timeout", "1m"}, args...)
	}

	t.Run("a table says what each procedure and each rate came to", func(t *testing.T) {
		got := s.run(t, small("--rate", "20,40", "--verify", "--max-failed", "0", "--max-p99", "1m")...)
		require.Zero(t, got.code, "%s%s", got.stdout, got.stderr)
		require.Regexp(t, `(?m)^PROCEDURE +OK/S +OK +SHED +UNSENT +FAILED +P50 MS +P90 +P99 +P99\.9 +MAX$`, got.stdout)
		require.Regexp(t, `(?m)^CreateOrder( +[\d.]+){10}$`, got.stdout)
		require.Regexp(t, `(?m)^40( +[\d.]+){10}$`, got.stdout)
		require.Contains(t, got.stdout, " 0 lost, 0 doubled, 0 wrong")
		require.Contains(t, got.stdout, "verify: 0 violations")
	})
	t.Run("a threshold that does not hold ends it with 1", func(t *testing.T) {
		got := s.run(t, small("--rate", "30", "--mix", "create=1,get=0,list=0,cancel=0", "--max-p99", "1us", "--json")...)
		require.Equal(t, 1, got.code)
		require.Contains(t, got.stderr, "p99 of CreateOrder is")
		summary := decode[load.Summary](t, got.stdout)
		require.Len(t, summary.Calls, 1)
		require.Equal(t, summary.Calls[0].OK, summary.Check.Right)
	})
	t.Run("what cannot be offered is refused", func(t *testing.T) {
		for _, args := range [][]string{{"--rate", "fast"}, {"--rate", "-1"}, {"--mix", "refund=1"}, {"--skew", "1"}} {
			got := s.run(t, small(args...)...)
			require.Equal(t, 1, got.code, "%s", args)
			require.Empty(t, got.stdout)
		}
	})
	s.verify(t)
}
