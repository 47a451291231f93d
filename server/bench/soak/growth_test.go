package main

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// day is a run of 120 samples in which nothing grows, but for what change does to the nth.
func day(change func(n int, s *sample)) (watched []sample) {
	for n := range 120 {
		s := sample{resident: 80 << 20, heap: 20 << 20, goroutines: 100, sockets: 20, files: 30}
		change(n, &s)
		watched = append(watched, s)
	}
	return watched
}

func failed(t *testing.T, watched []sample) (names []string) {
	t.Helper()
	growths, err := judge(watched)
	require.NoError(t, err)
	for _, g := range growths {
		if !g.held() {
			names = append(names, g.name)
		}
	}
	return names
}

func TestJudge(t *testing.T) {
	for _, test := range []struct {
		name   string
		change func(n int, s *sample)
		want   []string
	}{
		{"what stays is well", func(int, *sample) {}, nil},
		{"warming up is well", func(n int, s *sample) { s.resident = min(80, 20+float64(n)*2) * (1 << 20) }, nil},
		{"peaks are well", func(n int, s *sample) {
			if n%3 == 0 {
				s.heap, s.goroutines = s.heap*5, 2000
			}
		}, nil},
		{"what shrinks is well", func(n int, s *sample) { s.sockets -= float64(n) / 10 }, nil},
		{"goroutines that stay are found", func(n int, s *sample) { s.goroutines += 8 * float64(n) }, []string{"goroutines"}},
		{"a socket a sample is found", func(n int, s *sample) { s.sockets += float64(n) }, []string{"sockets"}},
		{"memory outside of the heap is found", func(n int, s *sample) { s.resident *= 1 + 1.5*float64(n)/120 }, []string{"resident memory, MiB"}},
		{"a heap that doubles slowly is found", func(n int, s *sample) { s.heap += float64(n) * (1 << 18) }, []string{"heap after collection, MiB"}},
	} {
		t.Run(test.name, func(t *testing.T) { require.Equal(t, test.want, failed(t, day(test.change))) })
	}
	t.Run("a few samples prove nothing", func(t *testing.T) {
		_, err := judge(day(func(int, *sample) {})[:10])
		require.Error(t, err)
	})
}
