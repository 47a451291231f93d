// Package cachetest is what cache.Cache promises, as tests. Every implementation passes the same suite.
package cachetest

import (
	"fmt"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/orderprocessing/orderprocessing/server/cache"
)

// Backend is an empty cache to put to the test.
type Backend struct {
	Cache cache.Cache
	// Advance lets time pass.
	Advance func(tb testing.TB, d time.Duration)
}

// Run puts the backend to the test.
func Run(t *testing.T, b Backend) {
	s := suite{b}
	t.Run("what was filled is found until it expires", s.fill)
	t.Run("who finds nothing shares a lease with all who find nothing", s.lease)
	t.Run("who fills under another lease ends the one that stands", s.wrongLease)
	t.Run("a change ends a lease: what was loaded before it is not filled in", s.leaseEnds)
	t.Run("a change replaces what is older, and nothing else", s.update)
	t.Run("a change without a value drops what is older, and nothing else", s.drop)
	t.Run("a change adds nothing", s.updateOfNothing)
	t.Run("an empty value is a value", s.empty)
	t.Run("a value may be any bytes", s.bytes)
	t.Run("many changes at once are made each", s.many)
	t.Run("no reader sees a version go down while there are changes and fills", s.race)
}

type suite struct{ Backend }

func (s suite) get(t *testing.T, key string) (cache.Entry, cache.Lease) {
	t.Helper()
	e, lease, err := s.Cache.Get(t.Context(), key)
	require.NoError(t, err)
	return e, lease
}

// filled fills a key that is empty.
func (s suite) filled(t *testing.T, key string, version int64, value string) {
	t.Helper()
	_, lease := s.get(t, key)
	require.NotZero(t, lease)
	ok, err := s.Cache.Fill(t.Context(), key, lease, cache.Entry{Version: version, Value: []byte(value)}, time.Minute)
	require.NoError(t, err)
	require.True(t, ok)
}

func (s suite) updated(t *testing.T, key string, version int64, value string) {
	t.Helper()
	u := cache.Update{Key: key, Version: version, Expiry: time.Minute}
	if value != "" {
		u.Value = func() []byte { return []byte(value) }
	}
	require.NoError(t, s.Cache.Update(t.Context(), u))
}

func (s suite) requireEntry(t *testing.T, key string, version int64, value string) {
	t.Helper()
	e, lease := s.get(t, key)
	require.Zero(t, lease)
	require.Equal(t, version, e.Version)
	require.Equal(t, value, string(e.Value))
}

func (s suite) requireNothing(t *testing.T, key string) {
	t.Helper()
	_, lease := s.get(t, key)
	require.NotZero(t, lease)
}

func (s suite) fill(t *testing.T) {
	s.filled(t, "fill", 3, "three")
	s.requireEntry(t, "fill", 3, "three")
	s.Advance(t, 59*time.Second)
	s.requireEntry(t, "fill", 3, "three")
	s.Advance(t, time.Second)
	s.requireNothing(t, "fill")
}

func (s suite) lease(t *testing.T) {
	_, first := s.get(t, "lease")
	_, second := s.get(t, "lease")
	require.Equal(t, first, second)
	_, other := s.get(t, "lease of another")
	require.NotEqual(t, first, other)
	require.True(t, s.fills(t, "lease", first, 5))
	require.False(t, s.fills(t, "lease", second, 5), "it was used")
	require.False(t, s.fills(t, "lease", second, 4))
	s.requireEntry(t, "lease", 5, "5")
	require.True(t, s.fills(t, "lease", second, 6), "it knows of a change that nobody has told of yet")
	s.requireEntry(t, "lease", 6, "6")
}

func (s suite) wrongLease(t *testing.T) {
	require.False(t, s.fills(t, "wrong", 0, 1), "there is nothing to fill")
	_, lease := s.get(t, "wrong")
	require.False(t, s.fills(t, "wrong", lease^2, 1))
	require.False(t, s.fills(t, "wrong", lease, 1), "who had it may have loaded what is older")
	_, lease = s.get(t, "wrong")
	require.False(t, s.fills(t, "wrong", 0, 1))
	_, next := s.get(t, "wrong")
	require.NotEqual(t, lease, next)
}

// fills tells whether filling a key was let.
func (s suite) fills(t *testing.T, key string, lease cache.Lease, version int64) bool {
	t.Helper()
	ok, err := s.Cache.Fill(t.Context(), key, lease, cache.Entry{Version: version, Value: fmt.Append(nil, version)}, time.Minute)
	require.NoError(t, err)
	return ok
}

func (s suite) leaseEnds(t *testing.T) {
	_, lease := s.get(t, "ends")
	s.updated(t, "ends", 2, "two")
	require.False(t, s.fills(t, "ends", lease, 1))
	_, next := s.get(t, "ends")
	require.NotZero(t, next, "a lease holds no value")
	require.NotEqual(t, lease, next)
	require.False(t, s.fills(t, "ends", lease, 1), "nor is it taken for the next one")
}

func (s suite) update(t *testing.T) {
	s.filled(t, "update", 9, "nine")
	s.updated(t, "update", 10, "ten")
	s.requireEntry(t, "update", 10, "ten")
	s.updated(t, "update", 9, "nine")
	s.requireEntry(t, "update", 10, "ten")
	s.updated(t, "update", 10, "another ten")
	s.requireEntry(t, "update", 10, "ten")
	s.Advance(t, time.Minute)
	s.requireNothing(t, "update")
}

func (s suite) drop(t *testing.T) {
	s.filled(t, "drop", 2, "two")
	s.updated(t, "drop", 2, "")
	s.requireEntry(t, "drop", 2, "two")
	s.updated(t, "drop", 3, "")
	s.requireNothing(t, "drop")
}

func (s suite) updateOfNothing(t *testing.T) {
	s.updated(t, "nothing", 1, "one")
	s.requireNothing(t, "nothing")
}

func (s suite) empty(t *testing.T) {
	s.filled(t, "empty", 0, "")
	s.requireEntry(t, "empty", 0, "")
	s.updated(t, "empty", 1, "one")
	s.requireEntry(t, "empty", 1, "one")
}

func (s suite) bytes(t *testing.T) {
	const value = "12:\x00\xff{}:\r\n"
	s.filled(t, "bytes", 1, value)
	s.requireEntry(t, "bytes", 1, value)
	s.updated(t, "bytes", 2, ":"+value)
	s.requireEntry(t, "bytes", 2, ":"+value)
}

func (s suite) many(t *testing.T) {
	var updates []cache.Update
	for i := range 50 {
		key := fmt.Sprint("many ", i)
		s.filled(t, key, 1, "one")
		updates = append(updates, cache.Update{Key: key, Version: 2, Expiry: time.Minute, Value: func() []byte { return []byte(key) }})
	}
	require.NoError(t, s.Cache.Update(t.Context(), updates...))
	for _, u := range updates {
		s.requireEntry(t, u.Key, 2, u.Key)
	}
}

// race has writers that raise a version under a lock, as a database does, and tell the cache of it in any
// order, now with the value and now without, and readers that load what they do not find.
func (s suite) race(t *testing.T) {
	const last = 300
	var mu sync.Mutex
	var stored int64
	var all sync.WaitGroup
	for range 3 {
		all.Go(func() {
			for {
				mu.Lock()
				stored++
				version := stored
				mu.Unlock()
				runtime.Gosched() // readers may load it before anybody is told
				u := cache.Update{Key: "race", Version: version, Expiry: time.Minute}
				if version%2 == 0 {
					u.Value = func() []byte { return fmt.Append(nil, version) }
				}
				if err := s.Cache.Update(t.Context(), u); err != nil {
					t.Error(err)
					return
				}
				if version >= last {
					return
				}
			}
		})
	}
	for range 4 {
		all.Go(func() {
			for seen := int64(0); seen < last; {
				e, lease, err := s.Cache.Get(t.Context(), "race")
				if lease != 0 {
					mu.Lock()
					e = cache.Entry{Version: stored, Value: fmt.Append(nil, stored)}
					mu.Unlock()
					_, err = s.Cache.Fill(t.Context(), "race", lease, e, time.Minute)
				}
				if err != nil || e.Version < seen || string(e.Value) != fmt.Sprint(e.Version) {
					t.Errorf("after %d came %d with %q, %v", seen, e.Version, e.Value, err)
					return
				}
				seen = e.Version
			}
		})
	}
	all.Wait()
}
