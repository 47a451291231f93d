package flags

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/open-feature/go-sdk/openfeature"
	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
	"github.com/stretchr/testify/require"

	"github.com/orderprocessing/orderprocessing/server/fault"
	"github.com/orderprocessing/orderprocessing/server/store/database"
	"github.com/orderprocessing/orderprocessing/server/store/storetest"
)

var declared = []Flag{colors, {Key: "bell", Variants: []string{On, Off}, Default: On, Killed: Off}}

// wire is a store that may be away.
type wire struct {
	Settings
	away  atomic.Bool
	whole atomic.Int64 // how often all settings were read
}

var errAway = errors.New("away")

func (w *wire) Versions(ctx context.Context) (int64, error) {
	if w.away.Load() {
		return 0, errAway
	}
	return w.Settings.Versions(ctx)
}

func (w *wire) All(ctx context.Context) (map[string]Setting, error) {
	w.whole.Add(1)
	if w.away.Load() {
		return nil, errAway
	}
	return w.Settings.All(ctx)
}

// memory is a store of one process.
type memory struct {
	mu  sync.Mutex
	all map[string]Setting
}

func remember(all map[string]Setting) *memory { return &memory{all: all} }

func (m *memory) Versions(context.Context) (sum int64, _ error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, s := range m.all {
		sum += s.Version
	}
	return sum, nil
}

func (m *memory) All(context.Context) (map[string]Setting, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return maps.Clone(m.all), nil
}

func (m *memory) Change(_ context.Context, key string, decide func(Setting) (Setting, error)) (Setting, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	next, err := decide(m.all[key])
	if err == nil {
		next.Version = m.all[key].Version + 1
		m.all[key] = next
	}
	return next, err
}

func newKeeper(s Settings) *Keeper {
	return NewKeeper(KeeperOptions{Declared: declared, Store: s, Log: slog.New(slog.DiscardHandler), Now: time.Now})
}

// flagsOf gives the flags of a keeper.
func flagsOf(t *testing.T, k *Keeper) (*Flags, *prometheus.Registry) {
	t.Helper()
	registry := prometheus.NewRegistry()
	f, err := New(t.Context(), declared, k.Provider(), registry)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, f.Close(context.WithoutCancel(t.Context()))) })
	return f, registry
}

func TestKeeper(t *testing.T) {
	t.Run("while nobody has set a flag, and while the store was never there, it is the default", func(t *testing.T) {
		w := &wire{Settings: remember(map[string]Setting{"bell": {Enabled: false, Version: 1}})}
		w.away.Store(true)
		k := newKeeper(w)
		f, _ := flagsOf(t, k)
		require.NoError(t, k.Start(t.Context()))
		defer func() { require.NoError(t, k.Stop(t.Context())) }()
		require.True(t, f.Switch("bell")(t.Context(), "cus_1"))
		require.Equal(t, "red", f.Choice("color")(t.Context(), "cus_1"))
	})
	t.Run("another's kill is seen within two seconds, and what was known stays while the store is away", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			store := remember(map[string]Setting{})
			w := &wire{Settings: store}
			k := newKeeper(w)
			f, _ := flagsOf(t, k)
			bell := f.Switch("bell")
			require.NoError(t, k.Start(t.Context()))
			defer func() { require.NoError(t, k.Stop(t.Context())) }()
			require.True(t, bell(t.Context(), ""))
			_, err := newKeeper(store).Set(t.Context(), Change{Key: "bell", Enabled: new(false)})
			require.NoError(t, err)
			time.Sleep(2 * time.Second) // of the bubble's clock
			require.False(t, bell(t.Context(), ""))

			w.away.Store(true)
			time.Sleep(time.Hour) // of the bubble
			require.False(t, bell(t.Context(), ""))
			require.GreaterOrEqual(t, k.Age(), time.Hour)
			w.away.Store(false)
			time.Sleep(2 * time.Second) // of the bubble
			require.LessOrEqual(t, k.Age(), 2*time.Second)
		})
	})
	t.Run("nothing is read whole that has not changed", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			w := &wire{Settings: remember(map[string]Setting{"bell": {Enabled: true, Default: Off, Version: 3}})}
			k := newKeeper(w)
			require.NoError(t, k.Start(t.Context()))
			time.Sleep(time.Minute) // of the bubble
			require.NoError(t, k.Stop(t.Context()))
			require.EqualValues(t, 1, w.whole.Load())
		})
	})
}

func TestFlags(t *testing.T) {
	k := newKeeper(remember(map[string]Setting{"color": {Enabled: true, Default: "green", Version: 1, Targets: map[string]string{"cus_1": "blue"}}}))
	f, registry := flagsOf(t, k)
	k.refresh(t.Context())
	t.Run("evaluations are counted by variant", func(t *testing.T) {
		color := f.Choice("color")
		require.Equal(t, "blue", color(t.Context(), "cus_1"))
		require.Equal(t, "green", color(t.Context(), "cus_2"))
		require.Equal(t, "green", color(t.Context(), ""))
		families, err := registry.Gather()
		require.NoError(t, err)
		require.Len(t, families, 1)
		require.Len(t, families[0].GetMetric(), 3, "every variant is there from the beginning")
		var green dto.Metric
		require.NoError(t, f.count("color", "green").Write(&green))
		require.InDelta(t, 2, green.GetCounter().GetValue(), 0)
	})
	t.Run("a flag that is not declared, or as another type, is a mistake at the start", func(t *testing.T) {
		require.Panics(t, func() { f.Switch("color") })
		require.Panics(t, func() { f.Choice("bell") })
		require.Panics(t, func() { f.Switch("whistle") })
	})
	t.Run("OpenFeature is told what is wrong", func(t *testing.T) {
		api := f.client
		none := openfeature.NewEvaluationContext("", nil)
		b, err := api.BooleanValueDetails(t.Context(), "whistle", true, none)
		require.Error(t, err)
		require.True(t, b.Value)
		require.Equal(t, openfeature.FlagNotFoundCode, b.ErrorCode)
		s, err := api.StringValueDetails(t.Context(), "bell", "ding", none)
		require.Error(t, err)
		require.Equal(t, "ding", s.Value)
		require.Equal(t, openfeature.TypeMismatchCode, s.ErrorCode)
		for _, err := range []error{
			second(api.IntValue(t.Context(), "bell", 1, none)), second(api.FloatValue(t.Context(), "bell", 1, none)),
			second(api.ObjectValue(t.Context(), "bell", 1, none)),
		} {
			require.ErrorContains(t, err, string(openfeature.TypeMismatchCode))
		}
		d, err := api.StringValueDetails(t.Context(), "color", "red", openfeature.NewEvaluationContext("cus_1", nil))
		require.NoError(t, err)
		require.Equal(t, openfeature.TargetingMatchReason, d.Reason)
		require.Equal(t, "blue", d.Variant)
	})
}

func TestFlags_allocations(t *testing.T) {
	k := newKeeper(remember(map[string]Setting{"color": {Enabled: true, Default: "red", Version: 1, Rollout: map[string]int{"green": 50}}}))
	k.refresh(t.Context())
	f, _ := flagsOf(t, k)
	flat := openfeature.FlattenedContext{openfeature.TargetingKey: "cus_1"}
	require.Zero(t, testing.AllocsPerRun(100, func() { k.provider.StringEvaluation(t.Context(), "color", "red", flat) }))
	color := f.Choice("color")
	whole := testing.AllocsPerRun(100, func() { color(t.Context(), "cus_1") })
	t.Logf("%v allocations with OpenFeature", whole)
	require.LessOrEqual(t, whole, 11.0, "which the SDK makes; more are ours")
}

func second[T any](_ T, err error) error { return err }

func TestSQLite(t *testing.T)   { testSet(t, storetest.SQLite(1)) }
func TestPostgres(t *testing.T) { testSet(t, storetest.Postgres(1)) }

func open(t *testing.T, url string) *Keeper {
	t.Helper()
	d, err := database.Open(t.Context(), url, database.Options{MaxConnections: 2})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, d.Close()) })
	return newKeeper(NewStore(d))
}

func testSet(t *testing.T, databases func(testing.TB) []string) {
	k := open(t, databases(t)[0])
	f, _ := flagsOf(t, k)
	color := f.Choice("color")
	t.Run("all flags are listed by key, also those that nobody has set", func(t *testing.T) {
		all, err := k.List(t.Context())
		require.NoError(t, err)
		require.Len(t, all, 2)
		require.Equal(t, "bell", all[0].Key)
		require.Equal(t, Setting{Enabled: true, Default: On}, all[0].Setting)
		require.Equal(t, "0", all[0].Etag())
	})
	t.Run("what is set is listed, holds here at once, and leaves the rest as it was", func(t *testing.T) {
		set, err := k.Set(t.Context(), Change{
			Key: "color", Default: new("green"), Rollout: map[string]int{"blue": 0}, Targets: map[string]string{"cus_1": "blue"},
		})
		require.NoError(t, err)
		require.Equal(t, "1", set.Etag())
		require.Equal(t, "green", color(t.Context(), "cus_2"))
		require.Equal(t, "blue", color(t.Context(), "cus_1"))
		set, err = k.Set(t.Context(), Change{Key: "color", Enabled: new(false), Etag: "1"})
		require.NoError(t, err)
		require.Equal(t, "blue", color(t.Context(), "cus_2"), "killed")
		all, err := k.List(t.Context())
		require.NoError(t, err)
		require.Equal(t, set, all[1])
		require.Equal(t, "green", set.Setting.Default)
		require.Equal(t, map[string]string{"cus_1": "blue"}, set.Targets)
	})
	t.Run("the same again is no change, whichever version was known", func(t *testing.T) {
		set, err := k.Set(t.Context(), Change{Key: "color", Enabled: new(false), Etag: "1"})
		require.NoError(t, err)
		require.Equal(t, "2", set.Etag())
	})
	for name, tt := range map[string]struct {
		change Change
		want   fault.Reason
	}{
		"an old version":              {Change{Key: "color", Etag: "1", Enabled: new(true)}, fault.ReasonStaleEtag},
		"a flag that is not declared": {Change{Key: "whistle", Enabled: new(true)}, fault.ReasonFlagNotFound},
		"a default it cannot have":    {Change{Key: "color", Default: new("on")}, fault.ReasonVariantUnknown},
		"a share of what it is not":   {Change{Key: "color", Rollout: map[string]int{"on": 1}}, fault.ReasonVariantUnknown},
		"a target with another":       {Change{Key: "bell", Targets: map[string]string{"cus_1": "red"}}, fault.ReasonVariantUnknown},
		"more than all":               {Change{Key: "color", Rollout: map[string]int{"red": 60, "green": 41}}, fault.ReasonRolloutInvalid},
		"less than none":              {Change{Key: "color", Rollout: map[string]int{"red": -1}}, fault.ReasonRolloutInvalid},
		"a customer without a name":   {Change{Key: "color", Targets: map[string]string{"": "red"}}, fault.ReasonInvalidRequest},
	} {
		t.Run(name+" is refused", func(t *testing.T) {
			_, err := k.Set(t.Context(), tt.change)
			require.Equal(t, tt.want, fault.ReasonOf(err))
		})
	}
	t.Run("a customer who is to be forgotten is no target any more", func(t *testing.T) {
		_, err := k.Set(t.Context(), Change{Key: "color", Targets: map[string]string{"cus_1": "blue", "cus_2": "red"}})
		require.NoError(t, err)
		require.NoError(t, k.Forget(t.Context(), "cus_1"))
		all, err := k.List(t.Context())
		require.NoError(t, err)
		require.Equal(t, map[string]string{"cus_2": "red"}, all[1].Targets)
	})
	t.Run("of twenty who set a flag at once from the same version one wins", func(t *testing.T) {
		results := make(chan error, 20)
		for i := range 20 {
			go func() {
				_, err := k.Set(t.Context(), Change{Key: "bell", Etag: "0", Targets: map[string]string{string(rune('a' + i)): Off}})
				results <- err
			}()
		}
		won := 0
		for range 20 {
			err := <-results
			if err == nil {
				won++
				continue
			}
			require.Contains(t, []fault.Reason{fault.ReasonStaleEtag, fault.ReasonConcurrentChange}, fault.ReasonOf(err), err)
		}
		require.Equal(t, 1, won)
	})
	t.Run("a caller that has gone, and a database that is away, are told", func(t *testing.T) {
		gone, cancel := context.WithCancel(t.Context())
		cancel()
		_, err := k.List(gone)
		require.Equal(t, fault.ReasonDatabaseDown, fault.ReasonOf(err))
	})
}
