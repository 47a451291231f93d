// Package pgtest gives tests and benchmarks a real Postgres: a private cluster on a free port of
// the loopback interface, started when the first test asks and gone with the process, however
// that ends.
package pgtest

import (
	"context"
	"os"
	"sync"
	"testing"

	"github.com/orderprocessing/orderprocessing/server/saga/river"
	"github.com/orderprocessing/orderprocessing/server/store/database"
	"github.com/orderprocessing/orderprocessing/server/store/migrate"
)

// Variable names the environment variable that holds the URL of another server to use instead. Its
// user must be allowed to make databases.
const Variable = "ORDERPROCESSING_TEST_POSTGRES"

// URL gives a database of the test's own, empty and migrated. It is dropped after the test.
func URL(tb testing.TB) string {
	tb.Helper()
	return cloned(tb, shared.template)
}

// EmptyURL gives a database of the test's own without any table. It is dropped after the test.
func EmptyURL(tb testing.TB) string {
	tb.Helper()
	return cloned(tb, func(context.Context, *Server) (string, error) { return "template0", nil })
}

// shared is the server of this process's tests.
var shared process

type process struct {
	lock sync.Mutex
	err  error
	srv  *Server
	tmpl string
}

func cloned(tb testing.TB, template func(context.Context, *Server) (string, error)) string {
	tb.Helper()
	server, err := shared.server(tb.Context())
	if err != nil {
		tb.Fatal(err)
	}
	from, err := template(tb.Context(), server)
	if err != nil {
		tb.Fatal(err)
	}
	name := "test_" + random()
	if err := server.clone(tb.Context(), name, from); err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := server.drop(context.WithoutCancel(tb.Context()), name); err != nil {
			tb.Error(err)
		}
	})
	return server.URL(name)
}

// server starts the cluster once. A failure is remembered: each test says why, none waits again.
func (p *process) server(ctx context.Context) (*Server, error) {
	p.lock.Lock()
	defer p.lock.Unlock()
	if p.srv != nil || p.err != nil {
		return p.srv, p.err
	}
	if location := os.Getenv(Variable); location != "" {
		p.srv, p.err = serverAt(location)
		return p.srv, p.err
	}
	cluster, err := Start(context.WithoutCancel(ctx), Options{})
	if err != nil {
		p.err = err
		return nil, err
	}
	p.srv = &cluster.Server
	return p.srv, nil
}

// template makes the migrated database that all others are copies of.
func (p *process) template(ctx context.Context, server *Server) (string, error) {
	p.lock.Lock()
	defer p.lock.Unlock()
	if p.tmpl != "" {
		return p.tmpl, nil
	}
	name, err := server.makeTemplate(ctx)
	p.tmpl = name
	return name, err
}

// migrateAt brings the tables of one database up to date.
func migrateAt(ctx context.Context, location string) error {
	db, err := database.Open(ctx, location, database.Options{MaxConnections: 2})
	if err != nil {
		return err
	}
	defer db.Close()
	if _, err := migrate.Up(ctx, db); err != nil {
		return err
	}
	return river.Migrate(ctx, db)
}
