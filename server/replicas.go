package server

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/orderprocessing/orderprocessing/server/config"
	"github.com/orderprocessing/orderprocessing/server/store/database"
	"github.com/orderprocessing/orderprocessing/server/store/entstore"
	"github.com/orderprocessing/orderprocessing/server/store/replica"
)

// openReplicas takes the standbys of a configuration, which need not answer yet, and gives the part
// that watches them.
func openReplicas(
	ctx context.Context, cfg config.Config, logger *slog.Logger, registry prometheus.Registerer, stores *Stores, logins loginOf,
) (_ *replica.Replicas, _ Part, err error) {
	var opened []replica.Replica
	for i, location := range cfg.Store.Replicas {
		login, err := logins(ctx, fmt.Sprintf("replica-%d", i))
		var d *database.Database
		if err == nil {
			d, err = database.Open(ctx, location.Reveal(), database.Options{
				MaxConnections: cfg.Store.MaxConnections, ConnectTimeout: time.Second, Unasked: true, Login: login,
			})
		}
		if err != nil {
			for _, one := range opened {
				err = errors.Join(err, one.Database.Close())
			}
			return nil, Part{}, err
		}
		opened = append(opened, replica.Replica{Database: d, Store: entstore.New(d, entstore.Options{Now: time.Now})})
	}
	replicas := replica.New(replica.Options{
		Shards: stores.Shards, Primaries: stores.Databases, Replicas: opened, MaxLag: cfg.Store.ReplicaMaxLag,
		Log: logger, Registry: registry,
	})
	return replicas, Part{Name: "replicas", Start: replicas.Start, Stop: replicas.Stop}, nil
}
