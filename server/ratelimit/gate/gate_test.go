package gate_test

import (
	"context"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/orderprocessing/orderprocessing/server/ratelimit/gate"
)

// The times of these tests are those of synctest's clock.
func options() gate.Options {
	return gate.Options{Most: 10, Least: 2, Target: 100 * time.Millisecond, Patience: time.Second}
}

// enter takes a place, in the background when it must wait.
func enter(t *testing.T, g *gate.Gate, name string) (entered func() bool, leave func()) {
	t.Helper()
	var mu sync.Mutex
	var out func()
	go func() {
		l, err := g.Enter(t.Context(), name)
		mu.Lock()
		defer mu.Unlock()
		if err == nil {
			out = l
		}
	}()
	synctest.Wait()
	get := func() func() { mu.Lock(); defer mu.Unlock(); return out }
	return func() bool { synctest.Wait(); return get() != nil }, func() { get()(); synctest.Wait() }
}

func TestGate(t *testing.T) {
	test := func(name string, run func(t *testing.T, g *gate.Gate)) {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { run(t, gate.New(options())) })
		})
	}
	test("a caller alone has every place, and as many wait", func(t *testing.T, g *gate.Gate) {
		for range 10 {
			entered, leave := enter(t, g, "a")
			require.True(t, entered())
			defer leave()
		}
		for range 10 {
			entered, _ := enter(t, g, "a")
			require.False(t, entered())
		}
	})
	test("when one more waits, the first to come is turned away at once", func(t *testing.T, g *gate.Gate) {
		_, leave := enter(t, g, "a")
		for range 9 {
			enter(t, g, "a")
		}
		began, refused := time.Now(), make(chan error)
		go func() { _, err := g.Enter(t.Context(), "a"); refused <- err }()
		synctest.Wait()
		for range 9 {
			enter(t, g, "a")
		}
		newest, _ := enter(t, g, "a")
		require.ErrorIs(t, <-refused, gate.ErrFull)
		require.Zero(t, time.Since(began))
		require.True(t, g.Crowded())
		require.False(t, newest())
		leave()
		require.True(t, newest())
	})
	test("of one caller's calls the last to come is the first to enter", func(t *testing.T, g *gate.Gate) {
		_, leave := enter(t, g, "a")
		for range 9 {
			enter(t, g, "a")
		}
		first, _ := enter(t, g, "a")
		second, secondLeaves := enter(t, g, "a")
		leave()
		require.True(t, second())
		require.False(t, first())
		secondLeaves()
		require.True(t, first())
	})
	test("a place goes to the caller who holds the fewest, though they came last", func(t *testing.T, g *gate.Gate) {
		var leaves []func()
		for range 10 {
			_, leave := enter(t, g, "noisy")
			leaves = append(leaves, leave)
		}
		noisyWaits, _ := enter(t, g, "noisy")
		quietWaits, quietLeaves := enter(t, g, "quiet")
		leaves[0]()
		require.True(t, quietWaits())
		require.False(t, noisyWaits())
		quietLeaves()
		require.True(t, noisyWaits())
		for _, leave := range leaves[1:] {
			leave()
		}
	})
	test("while another waits for as many, a caller gets no more than half", func(t *testing.T, g *gate.Gate) {
		held := map[string]chan func(){"a": make(chan func(), 20), "b": make(chan func(), 20)}
		hold := func(name string, calls int) {
			for range calls {
				go func() {
					if leave, err := g.Enter(t.Context(), name); err == nil {
						held[name] <- leave
					}
				}()
			}
			synctest.Wait()
		}
		hold("a", 15) // 10 inside, 5 wait
		hold("b", 5)
		for range 5 {
			(<-held["a"])()
			synctest.Wait()
		}
		require.Len(t, held["a"], 5)
		require.Len(t, held["b"], 5)
	})
	test("a crowd that waits makes room for a newcomer", func(t *testing.T, g *gate.Gate) {
		_, leave := enter(t, g, "noisy")
		for range 19 {
			enter(t, g, "noisy") // 9 inside, 10 wait
		}
		quiet, _ := enter(t, g, "quiet")
		leave()
		require.True(t, quiet())
	})
	test("patience ends, and for a second the gate is crowded", func(t *testing.T, g *gate.Gate) {
		for range 10 {
			enter(t, g, "a")
		}
		began := time.Now()
		require.False(t, g.Crowded())
		_, err := g.Enter(t.Context(), "b")
		require.ErrorIs(t, err, gate.ErrFull)
		require.Equal(t, time.Second, time.Since(began))
		require.True(t, g.Crowded())
		time.Sleep(time.Second)
		require.False(t, g.Crowded())
	})
	test("a call that ends while it waits takes no place", func(t *testing.T, g *gate.Gate) {
		_, leave := enter(t, g, "a")
		for range 9 {
			enter(t, g, "a")
		}
		ctx, cancel := context.WithCancel(t.Context())
		failed := make(chan error)
		go func() { _, err := g.Enter(ctx, "b"); failed <- err }()
		synctest.Wait()
		cancel()
		require.ErrorIs(t, <-failed, context.Canceled)
		require.False(t, g.Crowded(), "nobody was turned away")
		leave()
		entered, _ := enter(t, g, "c")
		require.True(t, entered())
	})
}

func TestGate_adapts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := options()
		o.Most, o.Least = 100, 10
		g := gate.New(o)
		// load keeps as many calls inside as there may be, each for as long as it takes.
		load := func(took, lasting time.Duration) {
			ctx, cancel := context.WithTimeout(t.Context(), lasting)
			defer cancel()
			var calls sync.WaitGroup
			for range 100 {
				calls.Go(func() {
					for ctx.Err() == nil {
						if leave, err := g.Enter(ctx, "a"); err == nil {
							time.Sleep(took)
							leave()
						} else {
							time.Sleep(50 * time.Millisecond) // else the clock of the test stands still
						}
					}
				})
			}
			calls.Wait()
		}
		load(50*time.Millisecond, 10*time.Second)
		require.Equal(t, 100, g.Limit(), "fast answers leave it as it is")
		load(200*time.Millisecond, 5*time.Second)
		shrunk := g.Limit()
		require.Less(t, shrunk, 50, "slow ones shrink it")
		load(200*time.Millisecond, 40*time.Second)
		require.Equal(t, o.Least, g.Limit(), "but not below the least")
		load(10*time.Millisecond, time.Minute)
		require.Equal(t, 100, g.Limit(), "and it grows back")
	})
}

// TestGate_fair lets a noisy caller offer five times what there is room for: a quiet one's slowest
// calls take no more than twice what they take without.
func TestGate_fair(t *testing.T) {
	const took = 10 * time.Millisecond
	p99 := func(t *testing.T, noisy int) time.Duration {
		var result time.Duration
		synctest.Test(t, func(t *testing.T) {
			o := options()
			o.Patience = 250 * time.Millisecond
			g := gate.New(o)
			ctx, stop := context.WithCancel(t.Context())
			var calls sync.WaitGroup
			for i := range noisy {
				calls.Go(func() {
					time.Sleep(time.Duration(i) * took / time.Duration(noisy))
					for ctx.Err() == nil {
						if leave, err := g.Enter(ctx, "noisy"); err == nil {
							time.Sleep(took)
							leave()
						} else {
							time.Sleep(time.Millisecond) // turned away, and not deterred
						}
					}
				})
			}
			time.Sleep(time.Second)
			var times []time.Duration
			for i := range 1000 {
				time.Sleep(time.Duration(i%7) * time.Millisecond)
				began := time.Now()
				leave, err := g.Enter(ctx, "quiet")
				require.NoError(t, err, "the quiet caller is never turned away")
				time.Sleep(took)
				leave()
				times = append(times, time.Since(began))
			}
			stop()
			calls.Wait()
			slices.Sort(times)
			result = times[len(times)*99/100]
		})
		return result
	}
	alone, beside := p99(t, 0), p99(t, 50)
	t.Logf("p99 alone %v, beside a noisy caller %v", alone, beside)
	require.Equal(t, took, alone)
	require.LessOrEqual(t, beside, 2*alone)
}

func TestGate_Change(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := gate.New(gate.Options{Most: 2, Least: 1, Target: time.Second, Patience: time.Minute})
		_, leaveFirst := enter(t, g, "a")
		_, leaveSecond := enter(t, g, "a")
		third, leaveThird := enter(t, g, "a")
		require.False(t, third())
		g.Change(gate.Options{Most: 3, Least: 1, Target: time.Second, Patience: time.Second})
		require.True(t, third(), "there is room now")
		require.Equal(t, 3, g.Limit())
		g.Change(gate.Options{Most: 1, Least: 1, Target: time.Second, Patience: time.Second})
		require.Equal(t, 1, g.Limit())
		leaveFirst()
		leaveSecond()
		_, err := g.Enter(t.Context(), "b")
		require.ErrorIs(t, err, gate.ErrFull, "who was inside stays, and nobody enters")
		leaveThird()
		_, leave := enter(t, g, "b")
		leave()
	})
}

// TestGate_overload offers three times what there is room for, by callers who do not wait for each other:
// as much is answered as without, and what is answered is answered soon.
func TestGate_overload(t *testing.T) {
	const (
		took   = 20 * time.Millisecond
		lasts  = 5 * time.Second
		served = 500 // a second: 10 at once, each for 20 ms
	)
	synctest.Test(t, func(t *testing.T) {
		o := options()
		o.Patience = 250 * time.Millisecond
		g := gate.New(o)
		var mu sync.Mutex
		var waits []time.Duration
		var calls sync.WaitGroup
		for range 3 * served * int(lasts/time.Second) {
			calls.Go(func() {
				began := time.Now()
				leave, err := g.Enter(t.Context(), "a")
				if err != nil {
					return
				}
				waited := time.Since(began)
				time.Sleep(took)
				leave()
				mu.Lock()
				defer mu.Unlock()
				waits = append(waits, waited)
			})
			time.Sleep(time.Second / (3 * served))
		}
		calls.Wait()
		require.InEpsilon(t, served*int(lasts/time.Second), len(waits), .01)
		slices.Sort(waits)
		require.LessOrEqual(t, waits[len(waits)*99/100], took)
	})
}
