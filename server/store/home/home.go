// Package home keeps what is not sharded: the shard map and the keys that all replicas share.
package home

import (
	"context"
	"crypto/rand"
	"fmt"
	"time"

	entsql "entgo.io/ent/dialect/sql"

	"github.com/orderprocessing/orderprocessing/ent/db"
	"github.com/orderprocessing/orderprocessing/ent/db/shardrange"
	"github.com/orderprocessing/orderprocessing/server/domain/id"
	"github.com/orderprocessing/orderprocessing/server/store/database"
	"github.com/orderprocessing/orderprocessing/server/store/shard"
)

// Store is the home database. Make it with New.
type Store struct {
	database *database.Database
	client   *db.Client
}

// New makes a store over a migrated database. Closing the store closes the database.
func New(d *database.Database) *Store {
	return &Store{database: d, client: db.NewClient(db.Driver(entsql.OpenDB(d.Dialect(), d.Write)))}
}

// Ping asks the database for a sign of life.
func (s *Store) Ping(ctx context.Context) error { return s.database.Ping(ctx) }

// Close closes the database.
func (s *Store) Close() error { return s.database.Close() }

// ShardMap reads the shard map. The first time, it gives each of n shards the same share; replicas
// that start together agree on one map. It fails when the map names a shard that is not among the
// first n.
func (s *Store) ShardMap(ctx context.Context, n int) (shard.Map, error) {
	m, err := s.readMap(ctx)
	if err != nil {
		return m, err
	}
	if len(m.Ranges) == 0 {
		if err := s.writeMap(ctx, shard.Even(n)); err != nil {
			return m, err
		}
		if m, err = s.readMap(ctx); err != nil {
			return m, err
		}
	}
	return m, m.Check(n)
}

func (s *Store) readMap(ctx context.Context) (m shard.Map, err error) {
	rows, err := s.client.ShardRange.Query().Order(shardrange.ByID()).All(ctx)
	if err != nil {
		return m, fmt.Errorf("read the shard map: %w", err)
	}
	for _, row := range rows {
		m.Ranges = append(m.Ranges, shard.Range{
			First: id.Slot(row.ID),       //nolint:gosec // Map.Check looks at it
			Last:  id.Slot(row.LastSlot), //nolint:gosec // Map.Check looks at it
			Shard: row.Shard,
		})
		m.Epoch = max(m.Epoch, row.Epoch)
	}
	return m, nil
}

// writeMap stores the first map, unless another replica just did: all rows go in one statement,
// and every map has a row for slot 0.
func (s *Store) writeMap(ctx context.Context, m shard.Map) error {
	rows := make([]*db.ShardRangeCreate, len(m.Ranges))
	for i, r := range m.Ranges {
		rows[i] = s.client.ShardRange.Create().
			SetID(int(r.First)).SetLastSlot(int(r.Last)).SetShard(r.Shard).SetEpoch(m.Epoch)
	}
	err := s.client.ShardRange.CreateBulk(rows...).Exec(ctx)
	if err != nil && database.Classify(err) != database.Unique {
		return fmt.Errorf("store the shard map: %w", err)
	}
	return nil
}

// Key gives the key of this name that all replicas share, 32 random bytes, made the first time.
func (s *Store) Key(ctx context.Context, name string) ([]byte, error) {
	if row, err := s.client.ServerKey.Get(ctx, name); err == nil {
		return row.Key, nil
	} else if !db.IsNotFound(err) {
		return nil, fmt.Errorf("read the key %s: %w", name, err)
	}
	fresh := make([]byte, 32)
	_, _ = rand.Read(fresh) // never fails
	err := s.client.ServerKey.Create().SetID(name).SetKey(fresh).SetCreateTime(time.Now().UTC()).Exec(ctx)
	if err != nil && database.Classify(err) != database.Unique {
		return nil, fmt.Errorf("store the key %s: %w", name, err)
	}
	row, err := s.client.ServerKey.Get(ctx, name)
	if err != nil {
		return nil, fmt.Errorf("read the key %s: %w", name, err)
	}
	return row.Key, nil
}
