package password_test

import (
	"context"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/orderprocessing/orderprocessing/server/auth/password"
	"github.com/orderprocessing/orderprocessing/server/fault"
)

// cheap costs little, so that tests take little time.
var cheap = password.Cost{MemoryKiB: 64, Passes: 1, Lanes: 1}

func TestHasher(t *testing.T) {
	h := password.New(cheap, 2)
	hash, err := h.Hash(t.Context(), "correct horse battery")
	require.NoError(t, err)

	t.Run("a hash is a PHC string with a salt of its own", func(t *testing.T) {
		require.True(t, strings.HasPrefix(hash, "$argon2id$v=19$m=64,t=1,p=1$"), hash)
		other, err := h.Hash(t.Context(), "correct horse battery")
		require.NoError(t, err)
		require.NotEqual(t, hash, other)
	})
	t.Run("the password matches and nothing else does", func(t *testing.T) {
		for given, want := range map[string]bool{
			"correct horse battery": true, "Correct horse battery": false, "correct horse battery ": false, "": false,
		} {
			got, err := h.Matches(t.Context(), given, hash)
			require.NoError(t, err)
			require.Equal(t, want, got, "%q", given)
		}
	})
	t.Run("no hash has no password and costs one hash too", func(t *testing.T) {
		before := h.Computed()
		got, err := h.Matches(t.Context(), "", "")
		require.NoError(t, err)
		require.False(t, got)
		require.Equal(t, before+1, h.Computed())
	})
	t.Run("a hash of another cost still matches, and is outdated", func(t *testing.T) {
		dearer := password.New(password.Cost{MemoryKiB: 128, Passes: 2, Lanes: 1}, 1)
		got, err := dearer.Matches(t.Context(), "correct horse battery", hash)
		require.NoError(t, err)
		require.True(t, got)
		require.True(t, dearer.Outdated(hash))
		require.False(t, h.Outdated(hash))
	})
	for name, damaged := range map[string]string{
		"cut":              hash[:len(hash)-3],
		"another function": strings.Replace(hash, "argon2id", "argon2i", 1),
		"another version":  strings.Replace(hash, "v=19", "v=16", 1),
		"too dear":         strings.Replace(hash, "m=64", "m=4000000", 1),
		"no pass":          strings.Replace(hash, "t=1", "t=0", 1),
		"text":             "hunter2",
	} {
		t.Run("a stored hash that is damaged is an error: "+name, func(t *testing.T) {
			_, err := h.Matches(t.Context(), "correct horse battery", damaged)
			require.Error(t, err)
			require.Equal(t, fault.KindInternal, fault.KindOf(err))
			require.NotContains(t, err.Error(), damaged)
		})
	}
	t.Run("a caller that has gone computes nothing, or is told its end", func(t *testing.T) {
		gone, cancel := context.WithCancel(t.Context())
		cancel()
		full := password.New(cheap, 1)
		release := password.Occupy(full)
		defer release()
		_, err := full.Hash(gone, "x")
		require.ErrorIs(t, err, context.Canceled)
		require.Zero(t, full.Computed())
	})
	t.Run("whoever comes when too many wait is shed, and told when to come again", func(t *testing.T) {
		busy := password.New(cheap, 1)
		release := password.Occupy(busy)
		var all sync.WaitGroup
		errs := make(chan error, 100)
		for range cap(errs) {
			all.Go(func() {
				_, err := busy.Hash(t.Context(), "x")
				errs <- err
			})
		}
		var shed int
		for range cap(errs) - password.Waiting {
			err := <-errs // those that wait cannot answer yet
			require.Equal(t, fault.ReasonOverloaded, fault.ReasonOf(err))
			require.Positive(t, fault.From(err).RetryAfter)
			shed++
		}
		release()
		all.Wait()
		require.EqualValues(t, cap(errs)-shed, busy.Computed())
	})
}
