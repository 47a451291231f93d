package main_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/orderprocessing/orderprocessing/clients/replay"
	"github.com/orderprocessing/orderprocessing/server/store/pgtest"
)

// chaosVariable names the environment variable that asks for the long form: make chaos.
const chaosVariable = "ORDERPROCESSING_TEST_CHAOS"

// chaosTime is how long everything may take to come to rest.
const chaosTime = 5 * time.Minute

// strikes say how often something is killed, and while what is going on.
type strikes struct {
	server, bank, postgres int
	documents, rate        int           // how many are replayed, and orders a second, so that there are some for each strike
	placeTimeout           time.Duration // how long a placed order may take
}

var (
	shortChaos = strikes{server: 5, bank: 1, postgres: 1, documents: 400, rate: 25, placeTimeout: time.Hour}
	longChaos  = strikes{server: 25, bank: 5, postgres: 5, documents: 1_000, rate: 10, placeTimeout: 3 * time.Minute}
)

func TestChaos(t *testing.T) {
	plan := shortChaos
	if os.Getenv(chaosVariable) != "" {
		plan = longChaos
	}
	for name, make := range map[string]func(*testing.T) (*site, *pgtest.Cluster){
		"the embedded default":    func(t *testing.T) (*site, *pgtest.Cluster) { return newSite(t), nil },
		"four shards of Postgres": newDurableSite,
	} {
		t.Run("nothing is lost or charged twice, whatever is killed on "+name, func(t *testing.T) {
			t.Parallel() // most of it is waiting until somebody takes over
			s, postgres := make(t)
			c := newChaos(t, s, postgres, plan)
			c.strike(t)
			c.rest(t)
			c.requireSound(t)
		})
	}
}

// newDurableSite is an installation in a Postgres of its own, which survives being killed.
func newDurableSite(t *testing.T) (*site, *pgtest.Cluster) {
	t.Helper()
	cluster, err := pgtest.Start(t.Context(), pgtest.Options{Durable: true})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, cluster.Close()) })
	var urls []string
	for i := range 5 {
		url, err := cluster.CreateDatabase(t.Context(), fmt.Sprintf("chaos_%d", i))
		require.NoError(t, err)
		urls = append(urls, url)
	}
	s := newSite(t).on(urls)
	s.do(t, "migrate", "up")
	return s, cluster
}

// chaos is an installation with a bank of its own, and customers who pay in every way that the bank
// knows, while parts of it are killed.
type chaos struct {
	*site
	plan      strikes
	random    *rand.Rand
	postgres  *pgtest.Cluster // nil on SQLite
	srv, bank *server
	api, till *gate // in front of them

	books   books
	replay  *replaying
	replays int
	orders  int   // when the last replay had begun
	placed  int64 // by the replays that have ended
}

func newChaos(t *testing.T, s *site, postgres *pgtest.Cluster, plan strikes) *chaos {
	t.Helper()
	c := &chaos{plan: plan, random: newRandom(t), postgres: postgres, api: newGate(t), till: newGate(t), books: sampleBooks(t)}
	c.site = s.with(
		"ORDERPROCESSING_PAYMENTS_SIMULATOR_URL="+c.till.url,
		"ORDERPROCESSING_PAYMENTS_SIMULATOR_WEBHOOK_SECRET="+strings.Repeat("chaos", 8),
		"ORDERPROCESSING_PAYMENTS_CALL_TIMEOUT=1s",
		"ORDERPROCESSING_ORDERS_PLACE_TIMEOUT="+plan.placeTimeout.String(),
	)
	c.openBank(t)
	c.openShop(t)
	c.startReplay(t)
	return c
}

func (c *chaos) openBank(t *testing.T) {
	t.Helper()
	c.bank = c.begin(t, "gateway-simulator", "--listen", "127.0.0.1:0", "--data", filepath.Join(c.dir, "bank.db"),
		"--webhook", c.api.url+"/webhooks/payments/simulator").serving(t)
	c.till.to(c.bank)
}

func (c *chaos) openShop(t *testing.T) {
	t.Helper()
	c.srv = c.serve(t)
	c.api.to(c.srv)
}

// strike kills in any order, each time while something is going on.
func (c *chaos) strike(t *testing.T) {
	t.Helper()
	var all []func(*testing.T)
	add := func(n int, strike func(*testing.T)) {
		for range n {
			all = append(all, strike)
		}
	}
	add(c.plan.server, func(t *testing.T) {
		c.srv.kill9(t)
		c.openShop(t)
	})
	add(c.plan.bank, func(t *testing.T) {
		c.bank.kill9(t)
		c.openBank(t)
	})
	if c.postgres != nil {
		add(c.plan.postgres, func(t *testing.T) {
			require.NoError(t, c.postgres.Kill9())
			require.NoError(t, c.postgres.Restart(t.Context()))
		})
	}
	c.random.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	for _, strike := range all {
		select {
		case <-c.api.reached(c.api.count() + 1 + c.random.Int64N(512<<10)):
		case <-time.After(time.Duration(c.random.Int64N(int64(3 * time.Second)))): // when all waits for somebody to take over
		case <-c.replay.ended:
			c.endReplay(t)
			c.startReplay(t)
		}
		strike(t)
	}
}

// replaying is a replay that runs.
type replaying struct {
	cmd            *exec.Cmd
	stdout, stderr bytes.Buffer // complete when it has ended
	ended          chan struct{}
}

func (c *chaos) startReplay(t *testing.T) {
	t.Helper()
	c.replays++
	r := &replaying{ended: make(chan struct{})}
	r.cmd = c.command(t.Context(), append([]string{
		"replay", "--json", "--server", c.api.url, "--run", fmt.Sprintf("chaos-%d", c.replays), "--rate", strconv.Itoa(c.plan.rate), "--concurrency", "2000",
		"--limit", strconv.Itoa(c.plan.documents), "--retry-for", chaosTime.String(), "--patience", chaosTime.String(), "--payment-method", strings.Join(tokens(), ","),
	}, c.books.files...)...)
	r.cmd.Stdout, r.cmd.Stderr = &r.stdout, &r.stderr
	require.NoError(t, r.cmd.Start())
	go func() {
		_ = r.cmd.Wait() // the exit code says it
		close(r.ended)
	}()
	c.replay = r
	t.Cleanup(func() {
		_ = r.cmd.Process.Kill() // it may have ended
		<-r.ended
	})
	client, before := c.srv.client(t), c.orders
	require.Eventually(t, func() bool { // what it sells is stocked, and it has begun to sell
		c.orders = len(listOrders(t, client.Orders, nil))
		return c.orders > before
	}, chaosTime, 100*time.Millisecond)
}

// endReplay stops the replay, unless it has ended, and counts what it placed.
func (c *chaos) endReplay(t *testing.T) {
	t.Helper()
	_ = c.replay.cmd.Process.Signal(syscall.SIGTERM) // it may have ended
	<-c.replay.ended
	summary := decode[replay.Summary](t, c.replay.stdout.String())
	t.Logf("replay %d: %+v\n%s", c.replays, summary, c.replay.stderr.String())
	require.Zero(t, summary.Failed, "%v", summary.Reasons)
	c.placed += summary.Orders.Placed
}
