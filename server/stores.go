package server

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/orderprocessing/orderprocessing/server/audit"
	"github.com/orderprocessing/orderprocessing/server/config"
	"github.com/orderprocessing/orderprocessing/server/domain/order"
	"github.com/orderprocessing/orderprocessing/server/flags"
	"github.com/orderprocessing/orderprocessing/server/orders"
	"github.com/orderprocessing/orderprocessing/server/saga/river"
	"github.com/orderprocessing/orderprocessing/server/store"
	"github.com/orderprocessing/orderprocessing/server/store/coalesce"
	"github.com/orderprocessing/orderprocessing/server/store/database"
	"github.com/orderprocessing/orderprocessing/server/store/entstore"
	"github.com/orderprocessing/orderprocessing/server/store/home"
	"github.com/orderprocessing/orderprocessing/server/store/migrate"
	"github.com/orderprocessing/orderprocessing/server/store/principals"
	"github.com/orderprocessing/orderprocessing/server/store/shard"
	"github.com/orderprocessing/orderprocessing/server/workflow"
)

// embeddedShards is how many SQLite files share the orders when no databases are configured.
const embeddedShards = 4

// Databases names the databases of a configuration: home first, then the shards in their order.
func Databases(cfg config.Config) []config.DatabaseURL {
	file := func(name string) config.DatabaseURL {
		return config.DatabaseURL("sqlite:" + filepath.Join(cfg.Data.Dir, name))
	}
	all := []config.DatabaseURL{cfg.Store.Home}
	if cfg.Store.Home == "" {
		all[0] = file("home.db")
	}
	if len(cfg.Store.Shards) > 0 {
		return append(all, cfg.Store.Shards...)
	}
	for i := range embeddedShards {
		all = append(all, file(fmt.Sprintf("shard-%d.db", i)))
	}
	return all
}

// Stores is every database of a configuration, open.
type Stores struct {
	Home       *home.Store
	Principals *principals.Store
	Audit      *audit.Store
	Flags      *flags.Store
	Shards     *shard.Store
	Reads      orders.Reads // of the shards, or of copies
	// Databases are those behind the shards, in their order. They close with them.
	Databases    []*database.Database
	homeDatabase *database.Database
	observe      func(written string) coalesce.Observe
}

// resize bounds the connections to each database anew.
func (s *Stores) resize(connections int) {
	s.homeDatabase.Resize(connections)
	for _, d := range s.Databases {
		d.Resize(connections)
	}
}

// Observers are told what the stores do. All may be nil; none may block.
type Observers struct {
	// Observe gives who is told of the batches that share a commit, by what is written.
	Observe func(written string) coalesce.Observe
	Moved   func(shard int, moved []entstore.Moved) // where orders of a shard went
	// Committed is told of orders as they stand, or may stand, after a commit.
	Committed func(orders []order.Order, certain bool)
	// Login gives who logs in to a database of a name, such as shard-0; may be nil, and so may what it gives, for
	// who the URL says.
	Login func(ctx context.Context, database string) (database.Login, error)
}

// login is Login, for a database and its place in Databases.
func (o Observers) login(ctx context.Context, location config.DatabaseURL, i int) (database.Login, error) {
	if o.Login == nil || !isPostgres(location) {
		return nil, nil //nolint:nilnil // see above
	}
	return o.Login(ctx, databaseName(i))
}

func (o Observers) movedIn(shard int) func([]entstore.Moved) {
	if o.Moved == nil {
		return nil
	}
	return func(moved []entstore.Moved) { o.Moved(shard, moved) }
}

// OpenStores opens the databases of a configuration. SQLite files are made and migrated as needed;
// a Postgres database must have been migrated before.
func OpenStores(ctx context.Context, cfg config.Config, o Observers) (_ *Stores, err error) {
	if o.Observe == nil {
		o.Observe = func(string) coalesce.Observe { return nil }
	}
	var opened []*database.Database
	defer func() {
		if err != nil {
			for _, d := range opened {
				err = errors.Join(err, d.Close())
			}
		}
	}()
	for i, location := range Databases(cfg) {
		login, err := o.login(ctx, location, i)
		if err != nil {
			return nil, err
		}
		d, err := openDatabase(ctx, cfg, location, login)
		if err != nil {
			return nil, err
		}
		opened = append(opened, d)
		if err := prepare(ctx, d); err != nil {
			return nil, err
		}
	}
	homeStore := home.New(opened[0])
	m, err := homeStore.ShardMap(ctx, len(opened)-1)
	if err != nil {
		return nil, err
	}
	shards := make([]store.Store, len(opened)-1)
	follow := workflow.Follow{PlaceTimeout: cfg.Orders.PlaceTimeout, DraftLifetime: cfg.Orders.DraftLifetime}
	for i, d := range opened[1:] {
		starter, err := newStarter(cfg, d)
		if err != nil {
			return nil, err
		}
		shards[i] = entstore.New(d, entstore.Options{
			Now: time.Now, Observe: o.Observe, Follow: follow, Starter: starter, Moved: o.movedIn(i), Committed: o.Committed,
		})
	}
	all, err := shard.New(m, shards)
	if err != nil {
		return nil, err
	}
	return &Stores{
		observe: o.Observe,
		Home:    homeStore, Principals: principals.New(opened[0]), Audit: audit.New(opened[0], time.Now), Shards: all,
		Flags: flags.NewStore(opened[0]), Reads: all, Databases: opened[1:], homeDatabase: opened[0],
	}, nil
}

// OpenDatabase opens one database of a configuration, and makes the folder of a SQLite file.
func OpenDatabase(ctx context.Context, cfg config.Config, location config.DatabaseURL) (*database.Database, error) {
	return openDatabase(ctx, cfg, location, nil)
}

func openDatabase(ctx context.Context, cfg config.Config, location config.DatabaseURL, login database.Login) (*database.Database, error) {
	if err := os.MkdirAll(cfg.Data.Dir, 0o700); err != nil {
		return nil, fmt.Errorf("make the data folder (data.dir): %w", err)
	}
	return database.Open(ctx, location.Reveal(), database.Options{MaxConnections: cfg.Store.MaxConnections, Login: login})
}

// OpenHome opens the home database of a configuration alone, and makes and migrates a SQLite file as
// needed.
func OpenHome(ctx context.Context, cfg config.Config) (*database.Database, error) {
	d, err := OpenDatabase(ctx, cfg, Databases(cfg)[0])
	if err != nil {
		return nil, err
	}
	if err := prepare(ctx, d); err != nil {
		return nil, errors.Join(err, d.Close())
	}
	return d, nil
}

// prepare makes and migrates a SQLite file; of a Postgres database it demands that somebody has.
func prepare(ctx context.Context, d *database.Database) error {
	if d.Dialect() == database.SQLite {
		_, err := MigrateUp(ctx, d, false)
		return err
	}
	return VerifyMigrated(ctx, d)
}

// MigrateUp applies what is pending of our tables and those of the job queue, and names ours. resume
// continues a migration that stopped half-way.
func MigrateUp(ctx context.Context, d *database.Database, resume bool) (applied []string, err error) {
	applied, err = migrate.Migrator{Resume: resume}.Up(ctx, d)
	if err == nil {
		err = river.Migrate(ctx, d)
	}
	return applied, err
}

// VerifyMigrated fails unless a database is as this binary needs it.
func VerifyMigrated(ctx context.Context, d *database.Database) error {
	if err := migrate.Verify(ctx, d); err != nil {
		return err
	}
	return river.Verify(ctx, d)
}

// Kinds names the kinds of the shards' databases.
func (s *Stores) Kinds() []string {
	kinds := make([]string, len(s.Databases))
	for i, d := range s.Databases {
		kinds[i] = d.Dialect()
	}
	return kinds
}

// Close writes what was taken and closes every database.
func (s *Stores) Close(ctx context.Context) error {
	return errors.Join(s.Shards.Close(ctx), s.Audit.Close(ctx), s.Home.Close())
}
