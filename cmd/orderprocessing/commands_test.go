package main_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/orderprocessing/orderprocessing/clients/report"
	"github.com/orderprocessing/orderprocessing/server/integrity"
	"github.com/orderprocessing/orderprocessing/server/store/migrate"
)

func TestCommands(t *testing.T) {
	t.Run("the help of every command has an example and says what it does", func(t *testing.T) {
		seen := helpOf(t, newSite(t))
		require.Subset(t, seen, []string{"", "serve", "migrate up", "migrate status", "migrate verify", "import", "export", "replay", "load", "orders export", "orders erase",
			"report", "verify", "audit list", "audit verify", "flags list", "flags set", "config print", "config validate", "config schema", "config keys", "gateway-simulator",
			"certs dev", "version"})
	})
	t.Run("the version is the one that was built", func(t *testing.T) {
		got := decode[map[string]string](t, newSite(t).do(t, "version", "--json"))
		require.Equal(t, builtVersion, got["version"])
		require.Regexp(t, `^go1\.\d+`, got["go"])
		require.Contains(t, newSite(t).do(t, "version"), builtVersion)
	})
	t.Run("an unknown command is refused naming the nearest", func(t *testing.T) {
		for _, test := range [][]string{{"import", "imprt"}, {"up", "migrate", "upp"}, {"print", "config", "prnt"}} {
			got := newSite(t).run(t, test[1:]...)
			require.Equal(t, 1, got.code)
			require.Contains(t, got.stderr, `did you mean "`+test[0]+`"?`)
		}
		got := newSite(t).run(t, "buy")
		require.Equal(t, 1, got.code)
		require.Contains(t, got.stderr, "orderprocessing --help")
	})
	t.Run("a command that needs files says so", func(t *testing.T) {
		for _, command := range []string{"import", "replay"} {
			got := newSite(t).run(t, command)
			require.Equal(t, 1, got.code)
			require.Contains(t, got.stderr, "at least one file")
		}
	})
	t.Run("a command that cannot reach its server says where it looked, and how to start one", func(t *testing.T) {
		got := newSite(t).run(t, "report", "--server", "http://127.0.0.1:1")
		require.Equal(t, 1, got.code)
		require.Contains(t, got.stderr, "127.0.0.1:1")
		require.Contains(t, got.stderr, "orderprocessing serve")
	})
	t.Run("a command that cannot reach its database does not ask for a server", func(t *testing.T) {
		got := newSite(t).with("ORDERPROCESSING_STORE_HOME=postgres://127.0.0.1:1/home?sslmode=disable").run(t, "migrate", "status")
		require.Equal(t, 1, got.code)
		require.Contains(t, got.stderr, "127.0.0.1:1")
		require.NotContains(t, got.stderr, "orderprocessing serve")
	})
	t.Run("a command that is told to stop says that it was", func(t *testing.T) {
		cmd := newSite(t).command(t.Context(), append([]string{"import", "--server", "http://127.0.0.1:1"}, sampleBooks(t).files...)...)
		stderr, err := cmd.StderrPipe()
		require.NoError(t, err)
		require.NoError(t, cmd.Start())
		lines := bufio.NewScanner(stderr)
		require.True(t, lines.Scan())
		require.Contains(t, lines.Text(), "trying again")
		require.NoError(t, cmd.Process.Signal(syscall.SIGTERM))
		var last string
		for lines.Scan() {
			last = lines.Text()
		}
		require.Error(t, cmd.Wait())
		require.Equal(t, "orderprocessing: terminated signal received", last)
	})
}

// helpOf asks a command and all below it for help, and gives their names.
func helpOf(t *testing.T, s *site, command ...string) []string {
	t.Helper()
	help := s.do(t, append(command, "--help")...)
	require.Contains(t, help, "\nExamples:\n  ", "%s", command)
	seen := []string{strings.Join(command, " ")}
	_, below, _ := strings.Cut(help, "Available Commands:\n")
	for line := range strings.Lines(below) {
		name, what, _ := strings.Cut(strings.TrimSpace(line), " ")
		if name == "" {
			break
		}
		require.NotEmpty(t, strings.TrimSpace(what), name)
		if name != "help" {
			seen = append(seen, helpOf(t, s, append(command[:len(command):len(command)], name)...)...)
		}
	}
	return seen
}

func TestConfig(t *testing.T) {
	t.Run("print shows no secret", func(t *testing.T) {
		s := newSite(t).with("ORDERPROCESSING_STORE_HOME=postgres://me:hunter2@db/home?sslpassword=hunter2",
			"ORDERPROCESSING_STORE_SHARDS=postgres://me:hunter2@db/a,postgres://me:hunter2@db/b",
			"ORDERPROCESSING_STORE_PAGE_TOKEN_KEY="+strings.Repeat("hunter2", 6))
		for _, form := range []string{"--json=false", "--json"} {
			printed := s.do(t, "config", "print", form)
			require.NotContains(t, printed, "hunter2")
			require.Contains(t, printed, "db/b")
			require.Contains(t, printed, "redacted")
		}
	})
	t.Run("nor does an error", func(t *testing.T) {
		got := newSite(t).on([]string{"postgres://me:hunter2@127.0.0.1:1/home", "postgres://me:hunter2@127.0.0.1:1/a"}).run(t, "serve")
		require.Equal(t, 1, got.code)
		require.NotContains(t, got.stdout+got.stderr, "hunter2")
		require.Contains(t, got.stderr, "127.0.0.1:1/home")
	})
	t.Run("ORDERPROCESSING_SERVER_PORT is where it serves", func(t *testing.T) {
		port := freePort(t)
		srv := newSite(t).with("ORDERPROCESSING_SERVER_PORT="+port, "ORDERPROCESSING_OPS_PORT=0").launch(t)
		select {
		case at := <-srv.log.serving:
			require.Equal(t, "127.0.0.1:"+port, at.Address)
		case <-srv.ended:
			require.FailNow(t, "the server does not start", "%s", srv.log)
		}
	})
	t.Run("an unknown variable is refused naming the nearest", func(t *testing.T) {
		got := newSite(t).with("ORDERPROCESSING_SERVER_PROT=9999").run(t, "serve")
		require.Equal(t, 1, got.code)
		require.Contains(t, got.stderr, "ORDERPROCESSING_SERVER_PROT")
		require.Regexp(t, `ORDERPROCESSING_SERVER_PORT\b`, got.stderr)
	})
	t.Run("an unknown key is refused naming its place and the nearest", func(t *testing.T) {
		s := newSite(t)
		s.write(t, "config.yaml", "server:\n  prot: 9999\n")
		for _, command := range [][]string{{"serve"}, {"config", "validate"}, {"verify"}, {"migrate", "up"}} {
			got := s.run(t, command...)
			require.Equal(t, 1, got.code)
			require.Contains(t, got.stderr, "config.yaml:2")
			require.Contains(t, got.stderr, "server.port")
		}
	})
	t.Run("validate tells key, place and what would be right, for people and for scripts", func(t *testing.T) {
		s := newSite(t)
		s.write(t, "other.yaml", "log:\n  level: loud\n")
		got := s.run(t, "config", "validate", "other.yaml")
		require.Equal(t, 1, got.code)
		require.Contains(t, got.stderr, `other.yaml:2: log.level must be debug, info, warn, error, not "loud"`)
		got = s.run(t, "config", "validate", "--json", "other.yaml")
		require.Equal(t, 1, got.code)
		require.Empty(t, got.stderr)
		report := decode[struct {
			OK       bool
			Problems []struct{ Key, Where, Message string }
		}](t, got.stdout)
		require.False(t, report.OK)
		require.Len(t, report.Problems, 1)
		require.Equal(t, "log.level", report.Problems[0].Key)
		require.Equal(t, "other.yaml:2", report.Problems[0].Where)
		s.write(t, "other.yaml", "log:\n  level: warn\n")
		require.Contains(t, s.do(t, "config", "validate", "other.yaml"), "fine")
		require.Equal(t, "{\n  \"ok\": true,\n  \"problems\": []\n}\n", s.do(t, "config", "validate", "--json", "other.yaml"))
		s.write(t, "other.yaml", "auth: {key_secret: 'vault://secret/shop#key'}\nvault: {address: 'http://127.0.0.1:1', token: t}\n")
		require.Contains(t, s.do(t, "config", "validate", "other.yaml"), "fine", "Vault is not asked")
	})
	t.Run("schema is the one of the documentation", func(t *testing.T) {
		want, err := os.ReadFile(filepath.Join("..", "..", "docs", "config.schema.json"))
		require.NoError(t, err)
		require.Equal(t, string(want), newSite(t).do(t, "config", "schema"))
	})
	t.Run("an unknown flag is refused", func(t *testing.T) {
		got := newSite(t).run(t, "serve", "--server.prot", "1")
		require.Equal(t, 1, got.code)
		require.Contains(t, got.stderr, "server.prot")
	})
}

func freePort(t *testing.T) string {
	t.Helper()
	listener := listen(t)
	_, port, err := net.SplitHostPort(listener.Addr().String())
	require.NoError(t, err)
	require.NoError(t, listener.Close())
	return port
}

func listen(t *testing.T) net.Listener {
	t.Helper()
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	return listener
}

func TestMigrate(t *testing.T) {
	states := func(t *testing.T, s *site) (states []migrate.State) {
		t.Helper()
		for _, status := range decode[[]migrate.Status](t, s.do(t, "migrate", "status", "--json")) {
			states = append(states, status.State)
		}
		return states
	}
	all := func(state migrate.State) []migrate.State {
		return []migrate.State{state, state, state, state, state}
	}
	type result struct {
		Database string
		Applied  []string
	}
	for _, backend := range []struct {
		name string
		make func(*testing.T) *site
	}{{"the embedded default", newSite}, {"four shards of Postgres", newPostgresSite}} {
		t.Run("databases are empty, then migrated, then left alone on "+backend.name, func(t *testing.T) {
			s := backend.make(t)
			require.Equal(t, all(migrate.StatePending), states(t, s))
			got := s.run(t, "migrate", "verify")
			require.Equal(t, 1, got.code)
			require.Contains(t, got.stderr, "run orderprocessing migrate up")

			for _, r := range decode[[]result](t, s.do(t, "migrate", "up", "--json")) {
				require.NotEmpty(t, r.Applied)
				require.NotContains(t, r.Database, "password")
			}
			require.Equal(t, all(migrate.StateCurrent), states(t, s))
			require.Equal(t, 5, strings.Count(s.do(t, "migrate", "verify"), "\n"))
			for _, r := range decode[[]result](t, s.do(t, "migrate", "up", "--json")) {
				require.Empty(t, r.Applied)
			}
		})
	}
	t.Run("serve refuses a Postgres database that is not migrated and says what to run", func(t *testing.T) {
		got := newPostgresSite(t).run(t, "serve", "--server.port", "0", "--ops.port", "0")
		require.Equal(t, 1, got.code)
		require.Contains(t, got.stderr, "run orderprocessing migrate up")
		require.Contains(t, got.stderr, "MIGRATION_PENDING")
	})
	t.Run("a half-applied migration is refused, and resumed when asked", func(t *testing.T) {
		whole, s := newMigratedSite(t), newPostgresSite(t)
		interruptFirst(t, whole, s)
		got := s.run(t, "migrate", "up")
		require.Equal(t, 1, got.code)
		require.Contains(t, got.stderr, "run orderprocessing migrate up --resume")
		require.Contains(t, got.stderr, "MIGRATION_INCOMPLETE")
		require.Equal(t, migrate.StateBroken, states(t, s)[2])

		s.do(t, "migrate", "up", "--resume")
		require.Equal(t, all(migrate.StateCurrent), states(t, s))
		s.serve(t)
	})
}

// interruptFirst leaves shard 1 as a first migration does that was recorded and then interrupted.
func interruptFirst(t *testing.T, whole, s *site) {
	t.Helper()
	var name, checksum string
	var statements int
	require.NoError(t, whole.open(t, 2).Read.QueryRowContext(t.Context(),
		"SELECT name, checksum, statements FROM schema_revisions ORDER BY name LIMIT 1").Scan(&name, &checksum, &statements))
	target := s.open(t, 2).Write
	for _, statement := range []string{
		"CREATE TABLE schema_revisions (name text PRIMARY KEY, checksum text NOT NULL, statements integer NOT NULL, done integer NOT NULL, error text NOT NULL, start_time timestamptz NOT NULL, end_time timestamptz)",
		fmt.Sprintf("INSERT INTO schema_revisions VALUES ('%s', '%s', %d, 0, 'the machine was switched off', now(), NULL)", name, checksum, statements),
	} {
		_, err := target.ExecContext(t.Context(), statement)
		require.NoError(t, err)
	}
}

func TestServe_PortTaken(t *testing.T) {
	for flag, other := range map[string]string{"server.port": "ops.port", "ops.port": "server.port"} {
		t.Run("a taken "+flag+" is named", func(t *testing.T) {
			listener := listen(t)
			defer listener.Close()
			_, port, err := net.SplitHostPort(listener.Addr().String())
			require.NoError(t, err)
			got := newSite(t).run(t, "serve", "--"+flag, port, "--"+other, "0")
			require.Equal(t, 1, got.code)
			require.Contains(t, got.stderr, "127.0.0.1:"+port)
			require.Contains(t, got.stderr, "address already in use")
			require.Contains(t, got.stderr, flag)
		})
	}
}

func TestExport(t *testing.T) {
	s := newSite(t)
	srv := s.serve(t)
	s.importAll(t, srv.url, sampleBooks(t).files...)
	var orders, returns int64
	for _, section := range decode[report.Report](t, s.do(t, "report", "--json", "--server", srv.url)).Sections {
		orders += section.Orders.Count + section.NoChargeOnly.Count
		returns += section.Cancellations.Count
	}
	count := func(t *testing.T, text string) (orders, returns int64) {
		t.Helper()
		for line := range strings.Lines(text) {
			var document struct {
				Order, Return *struct{ ID, Number, CustomerID string }
			}
			require.NoError(t, json.Unmarshal([]byte(line), &document))
			require.NotEqual(t, document.Order == nil, document.Return == nil, line)
			if document.Order != nil {
				require.Zero(t, returns, "an order behind a return")
				orders++
			} else {
				returns++
			}
		}
		return orders, returns
	}

	t.Run("every line is JSON, and there are as many as the report counts", func(t *testing.T) {
		gotOrders, gotReturns := count(t, s.do(t, "export", "--server", srv.url))
		require.Equal(t, []int64{orders, returns}, []int64{gotOrders, gotReturns})
	})
	t.Run("a file has the same as standard output", func(t *testing.T) {
		path := filepath.Join(s.dir, "out.jsonl")
		require.Empty(t, s.do(t, "orders", "export", "--server", srv.url, "--output", path))
		text, err := os.ReadFile(path)
		require.NoError(t, err)
		gotOrders, _ := count(t, string(text))
		require.Equal(t, orders, gotOrders)
	})
	t.Run("one customer's documents are those of the customer", func(t *testing.T) {
		text := s.do(t, "orders", "export", "--server", srv.url, "--customer", "17850")
		gotOrders, _ := count(t, text)
		require.Positive(t, gotOrders)
		require.Less(t, gotOrders, orders)
		require.EqualValues(t, strings.Count(text, "\n"), len(regexp.MustCompile(`"customerId": ?"17850"`).FindAllString(text, -1)))
	})
}

func TestErase(t *testing.T) {
	s := newSite(t)
	srv := s.serve(t)
	s.importAll(t, srv.url, sampleBooks(t).files...)
	export := []string{"orders", "export", "--server", srv.url, "--customer", "17850"}
	require.NotEmpty(t, s.do(t, export...))
	require.Regexp(t, `^erased: [1-9]\d* orders, 0 payments, \d+ returns, 0 users, 0 API keys\n$`,
		s.do(t, "orders", "erase", "--server", srv.url, "--customer", "17850"))
	require.Empty(t, s.do(t, export...))
	require.Contains(t, s.do(t, "audit", "list"), "orders.v1.OrderService/EraseCustomer")
	require.NotContains(t, s.do(t, "audit", "list"), "17850")
	s.verify(t)
	again := decode[map[string]int](t, s.do(t, "orders", "erase", "--server", srv.url, "--customer", "17850", "--json"))
	require.Equal(t, map[string]int{"orders": 0, "payments": 0, "returns": 0, "users": 0, "api_keys": 0}, again)
}

func TestVerify(t *testing.T) {
	for _, backend := range backends {
		t.Run("a total that was changed behind the server's back is found on "+backend.name, func(t *testing.T) {
			s := backend.make(t)
			srv := s.serve(t)
			s.importAll(t, srv.url, sampleBooks(t).files...)
			before := s.verify(t)

			_, err := s.open(t, 3).Write.ExecContext(t.Context(),
				"UPDATE orders SET total_minor = total_minor + 1 WHERE number = (SELECT min(number) FROM orders WHERE number <> '')")
			require.NoError(t, err)

			got := s.run(t, "verify", "--json")
			require.Equal(t, 1, got.code)
			require.Empty(t, got.stderr, "it did its work")
			found := decode[integrity.Report](t, got.stdout)
			require.False(t, found.OK)
			require.Equal(t, before.Orders, found.Orders)
			require.EqualValues(t, 1, found.Violations)
			require.Equal(t, integrity.Total, found.Listed[0].Invariant)
			require.Equal(t, 2, found.Listed[0].Shard)
			require.Regexp(t, `^ord_`, found.Listed[0].OrderID)

			table := s.run(t, "verify")
			require.Equal(t, 1, table.code)
			require.Contains(t, table.stdout, found.Listed[0].OrderID)
		})
	}
}
