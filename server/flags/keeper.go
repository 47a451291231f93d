package flags

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/open-feature/go-sdk/openfeature"

	"github.com/orderprocessing/orderprocessing/server/telemetry"
)

const (
	// readEvery is how often the settings are looked for. With readTimeout it bounds how long a replica
	// goes by a setting that another one has replaced: 2 s.
	readEvery   = time.Second
	readTimeout = time.Second
)

// Settings is where the settings are kept; see Store.
type Settings interface {
	All(ctx context.Context) (map[string]Setting, error)
	Versions(ctx context.Context) (int64, error)
	Change(ctx context.Context, key string, decide func(Setting) (Setting, error)) (Setting, error)
}

// KeeperOptions make a Keeper.
type KeeperOptions struct {
	Declared []Flag
	Store    Settings
	Log      *slog.Logger
	Now      func() time.Time
}

// Keeper reads the settings of the database again and again, for the provider that it gives, and sets
// them. When the database is away it goes on with what it read last. Make it with NewKeeper; it is safe
// for concurrent use.
type Keeper struct {
	KeeperOptions
	provider *provider
	cancel   context.CancelFunc
	done     chan struct{}

	mu       sync.Mutex // one reading at a time, so that none is replaced by an older one
	versions int64      // of what was read last
	read     time.Time  // when; zero for never
	away     bool       // the last try failed
}

// NewKeeper makes a keeper, which has read nothing yet.
func NewKeeper(o KeeperOptions) *Keeper {
	o.Declared = sorted(o.Declared)
	return &Keeper{KeeperOptions: o, provider: newProvider(o.Declared)}
}

// Provider gives what evaluates the settings that were read last; before that, the defaults.
func (k *Keeper) Provider() openfeature.FeatureProvider { return k.provider }

// Start reads the settings, unless the database is away, and goes on reading them until Stop.
func (k *Keeper) Start(ctx context.Context) error {
	ctx, k.cancel = context.WithCancel(ctx)
	k.done = make(chan struct{})
	k.refresh(ctx)
	go func() {
		defer close(k.done)
		ticker := time.NewTicker(readEvery)
		defer ticker.Stop()
		for {
			select {
			case <-ticker.C:
				k.refresh(ctx)
			case <-ctx.Done():
				return
			}
		}
	}()
	return nil
}

// Stop ends the readings, if they have begun. What was read last stays.
func (k *Keeper) Stop(context.Context) error {
	if k.cancel == nil {
		return nil
	}
	k.cancel()
	<-k.done
	return nil
}

// Age tells how long ago the settings were last read or found unchanged; from the beginning of time
// when they never were.
func (k *Keeper) Age() time.Duration {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.Now().Sub(k.read)
}

// refresh reads the settings if they have changed.
func (k *Keeper) refresh(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, readTimeout)
	defer cancel()
	k.mu.Lock()
	defer k.mu.Unlock()
	if err := k.load(ctx); err != nil {
		if !k.away {
			k.Log.WarnContext(ctx, "flags cannot be read; what was known of them stays", slog.Any(telemetry.LogError, err))
		}
		k.away = true
		return
	}
	if k.away {
		k.Log.InfoContext(ctx, "flags can be read again")
	}
	k.away, k.read = false, k.Now()
}

func (k *Keeper) load(ctx context.Context) error {
	versions, err := k.Store.Versions(ctx)
	if err != nil || !k.read.IsZero() && versions == k.versions {
		return err
	}
	all, err := k.Store.All(ctx)
	if err != nil {
		return err
	}
	k.versions = 0
	for _, s := range all {
		k.versions += s.Version
	}
	k.provider.settings.Store(&all)
	return nil
}
