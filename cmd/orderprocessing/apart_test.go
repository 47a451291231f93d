//go:build apart || consul

package main_test

import (
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/orderprocessing/orderprocessing/server/config"
	"github.com/orderprocessing/orderprocessing/server/servertest"
)

const (
	// apartKills is how many processes are killed, one after the other.
	apartKills = 15
	// apartEvery is how long after the one before was back.
	apartEvery = 2 * time.Second
)

// TestApart runs two processes of each service, and kills one of them again and again while orders are
// replayed.
func TestApart(t *testing.T) {
	a := newApart(t, nil)
	c := &chaos{
		plan:   strikes{documents: 400, rate: 10, placeTimeout: time.Hour},
		random: newRandom(t), api: &gate{url: a.front.URL}, till: a.till, bank: a.bank, books: sampleBooks(t),
		site: a.site, srv: &server{url: a.front.URL, site: a.site},
	}
	c.startReplay(t)
	for range apartKills {
		time.Sleep(apartEvery) // the pace of the kills, not a wait for anything
		killed := a.all[c.random.IntN(len(a.all))]
		killed.srv.kill9(t)
		killed.start(t, a)
	}
	c.rest(t)
	c.requireSound(t)
}

// apart is an installation of processes that run one service each.
type apart struct {
	*site
	files      servertest.Certificates
	addresses  map[string][]string // by service
	all        []*process
	bank       *server
	till       *gate
	front      *httptest.Server
	mu         sync.Mutex
	next, away map[string]int
}

// process is one replica of a service.
type process struct {
	service, address string
	srv              *server
}

// newApart starts all processes. settings, if given, adds to what all are told.
func newApart(t *testing.T, settings func(servertest.Certificates) []string) *apart {
	t.Helper()
	services := config.Default().Services
	a := &apart{
		files: servertest.NewCertificates(t, services...), addresses: map[string][]string{}, till: newGate(t),
		next: map[string]int{}, away: map[string]int{},
	}
	for _, service := range services {
		for range 2 {
			p := &process{service: service, address: "127.0.0.1:" + strconv.Itoa(servertest.FreePort(t))}
			a.all, a.addresses[service] = append(a.all, p), append(a.addresses[service], p.address)
		}
	}
	a.front = httptest.NewUnstartedServer(servertest.NewFront(t, a.files, a.at))
	a.front.Config.Protocols = new(http.Protocols)
	a.front.Config.Protocols.SetHTTP1(true)
	a.front.Config.Protocols.SetUnencryptedHTTP2(true)
	a.front.Start()
	t.Cleanup(a.front.Close)
	certificate, key := a.files.File("server")
	authority, _ := a.files.File("ca")
	a.site = newMigratedSite(t).with(
		"ORDERPROCESSING_STORE_MAX_CONNECTIONS=2",
		"ORDERPROCESSING_SERVER_TLS_CERT_FILE="+certificate, "ORDERPROCESSING_SERVER_TLS_KEY_FILE="+key,
		"ORDERPROCESSING_SERVER_TLS_CLIENT_CA_FILE="+authority, "ORDERPROCESSING_PEERS_CA_FILE="+authority,
		"ORDERPROCESSING_PEERS_ORDERS="+strings.Join(a.addresses[config.ServiceOrders], ","),
		"ORDERPROCESSING_PEERS_INVENTORY="+strings.Join(a.addresses[config.ServiceInventory], ","),
		"ORDERPROCESSING_PEERS_PAYMENTS="+strings.Join(a.addresses[config.ServicePayments], ","),
		"ORDERPROCESSING_PAYMENTS_SIMULATOR_URL="+a.till.url,
		"ORDERPROCESSING_PAYMENTS_SIMULATOR_WEBHOOK_SECRET="+strings.Repeat("apart", 8),
		"ORDERPROCESSING_PAYMENTS_CALL_TIMEOUT=1s",
	)
	if settings != nil {
		a.site = a.with(settings(a.files)...)
	}
	a.bank = a.begin(t, "gateway-simulator", "--listen", "127.0.0.1:0", "--data", filepath.Join(a.dir, "bank.db"),
		"--webhook", a.front.URL+"/webhooks/payments/simulator").serving(t)
	a.till.to(a.bank)
	for _, p := range a.all {
		p.start(t, a)
	}
	return a
}

// start starts a process of the replica and waits until it serves.
func (p *process) start(t *testing.T, a *apart) {
	t.Helper()
	a.goes(p, 1)
	certificate, key := a.files.File(p.service)
	_, port, _ := strings.Cut(p.address, ":")
	p.srv = a.launch(t, "--services", p.service, "--server.port", port, "--ops.port", "0",
		"--peers.cert_file", certificate, "--peers.key_file", key).serving(t)
	a.goes(p, -1)
}

// goes counts a replica that goes, or comes.
func (a *apart) goes(p *process, n int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.away[p.address] += n
}

// at gives a replica of a service that is there, in turn, as a load balancer in front does.
func (a *apart) at(service string) string {
	a.mu.Lock()
	defer a.mu.Unlock()
	addresses := a.addresses[service]
	for range addresses {
		a.next[service]++
		if address := addresses[a.next[service]%len(addresses)]; a.away[address] == 0 {
			return address
		}
	}
	return addresses[0]
}
