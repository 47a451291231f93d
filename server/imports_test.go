package server_test

import (
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const module = "github.com/orderprocessing/orderprocessing/"

// floors says which rooms of ours a room may import, besides itself: a room alone, or with /... all
// rooms below it too. docs/architecture.md draws it.
var floors = map[string][]string{
	"gen":                               {},
	"ent/schema":                        {},
	"ent/db":                            {"ent/schema"},
	"ent/migrations":                    {},
	"ent/migrate":                       {"ent/...", "server/store/..."}, // a developer's tool
	"interceptors":                      {"gen", "server/auth", "server/ratelimit", "server/ratelimit/gate", "server/fault", "server/telemetry"},
	"server/fault":                      {},
	"server/domain":                     {"server/fault"},
	"server/telemetry":                  {},
	"server/pause":                      {},
	"server/secrets":                    {},
	"server/secrets/vault":              {"server/secrets", "server/telemetry", "server/pause"},
	"server/config":                     {"server/secrets"},
	"server/config/live":                {"server/config", "server/secrets", "server/telemetry"},
	"server/pagetoken":                  {"server/fault"},
	"server/events":                     {"gen", "server/domain"},
	"server/store":                      {"server/domain", "server/fault"},
	"server/store/coalesce":             {"server/fault"},
	"server/store/database":             {"server/fault"},
	"server/store/migrate":              {"server/fault", "server/store/database", "ent/migrations", "server/pause"},
	"server/store/entstore":             {"server/saga", "server/store", "server/store/coalesce", "server/store/database", "server/events", "server/domain", "server/fault", "ent/db", "ent/schema", "server/telemetry", "server/pause"},
	"server/store/shard":                {"server/store", "server/domain"},
	"server/store/home":                 {"server/store/shard", "server/store/database", "server/domain", "ent/db"},
	"server/store/replica":              {"server/store", "server/store/shard", "server/store/coalesce", "server/store/database", "server/domain", "server/fault", "server/telemetry"},
	"server/contract":                   {"server/store"},
	"server/consistency":                {"server/pagetoken", "server/store", "server/fault"},
	"server/orders":                     {"gen", "server/auth", "server/contract", "server/consistency", "server/pagetoken", "server/events", "server/store", "server/domain", "server/fault"},
	"server/inventory":                  {"gen", "server/contract", "server/pagetoken", "server/store", "server/domain", "server/fault"},
	"server/integrity":                  {"server/saga", "server/store", "server/domain", "server/pause"},
	"server/outbound":                   {"server/fault", "server/telemetry", "server/pause"},
	"server/ratelimit":                  {},
	"server/ratelimit/gate":             {},
	"server/ratelimit/memory":           {"server/ratelimit"},
	"server/ratelimit/redis":            {"server/ratelimit"},
	"server/ratelimit/fallback":         {"server/ratelimit", "server/outbound", "server/telemetry"},
	"server/redisclient":                {},
	"server/cache":                      {},
	"server/cache/memory":               {"server/cache"},
	"server/cache/redis":                {"server/cache"},
	"server/store/cached":               {"gen", "server/cache", "server/cache/memory", "server/store", "server/outbound", "server/telemetry", "server/domain", "server/fault"},
	"server/payments/gateway":           {"server/domain", "server/fault"},
	"server/payments/gateway/simulator": {"server/payments/gateway", "server/store/coalesce", "server/store/database", "server/domain", "server/fault"},
	"server/payments/gateway/stripe":    {"server/payments/gateway", "server/domain", "server/fault"},
	"server/payments/gateway/resilient": {"server/payments/gateway", "server/outbound", "server/fault", "server/telemetry"},
	"server/payments":                   {"gen", "server/auth", "server/contract", "server/pagetoken", "server/store", "server/domain", "server/fault", "server/payments/gateway", "server/telemetry"},
	"server/auth":                       {"server/fault"},
	"server/flags":                      {"server/auth", "server/store/database", "server/fault", "server/telemetry", "ent/db"},
	"server/audit":                      {"server/auth", "server/store/coalesce", "server/store/database", "server/fault", "ent/db"},
	"server/store/principals":           {"server/auth", "server/store/database", "server/domain", "server/fault", "ent/db"},
	"server/identity":                   {"gen", "server/contract", "server/pagetoken", "server/audit", "server/auth", "server/store/principals", "server/domain", "server/fault"},
	"server/certs":                      {},
	"server/discovery":                  {"server/telemetry", "server/pause"},
	"server/peers":                      {"gen", "clients/go", "server/discovery", "server/outbound", "server/payments", "server/domain", "server/fault", "server/telemetry"},
	"server/operations":                 {"gen", "server/flags", "server/contract", "server/pagetoken", "server/integrity", "server/saga", "server/store", "server/store/shard", "server/domain", "server/fault"},
	"server/risk":                       {"server/store", "server/domain"},
	"server/workflow":                   {"server/payments", "server/payments/gateway", "server/saga", "server/store", "server/domain", "server/fault"},
	"server/saga":                       {"server/fault", "server/telemetry"},
	"server/saga/progress":              {"server/saga", "server/store/coalesce", "server/store/database", "server/pause"},
	"server/saga/river":                 {"server/saga", "server/saga/progress", "server/store/database", "server/telemetry", "server/fault", "server/pause"},
	"server/saga/temporal":              {"server/saga", "server/saga/progress", "server/store/database", "server/telemetry"},
	"server":                            {"server/...", "interceptors", "gen"},
	"clients/go":                        {"gen"},
	"clients/importer":                  {"gen"},
	"clients/load":                      {"gen", "clients/go"},
	"clients/replay":                    {"gen", "clients/go", "clients/importer"},
	"clients/report":                    {"gen"},
	"deploy/slo":                        {},
	"deploy/grafana":                    {},
	"cmd/orderprocessing":               {"clients/...", "gen", "server/..."},
	// For tests and measurements only: nothing that ships imports them.
	"server/servertest":                   {"server/...", "gen"},
	"server/redistest":                    {},
	"server/promtest":                     {},
	"server/ratelimit/limittest":          {"server/ratelimit"},
	"server/cache/cachetest":              {"server/cache"},
	"server/store/storetest":              {"server/saga", "server/store/...", "server/domain", "server/fault", "ent/db"},
	"server/store/pgtest":                 {"server/store/...", "server/saga/river", "ent/migrations", "server/pause"},
	"server/payments/gateway/gatewaytest": {"server/payments/gateway", "server/domain", "server/fault"},
	"server/bench":                        {"server/...", "interceptors", "clients/...", "gen"},
	"clients/importer/importertest":       {"gen"},
	"clients/report/reporttest":           {"clients/report"},
	"server/saga/sagatest":                {"server/saga", "server/fault"},
	"server/saga/temporal/temporaltest":   {},
	"server/discovery/consultest":         {},
	"server/secrets/vault/vaulttest":      {},
	"server/lifecycletest":                {"server/servertest", "server/domain", "gen"},
}

// services are the rooms where only handler and convert files know the contract.
var services = []string{"server/orders", "server/inventory", "server/payments", "server/identity", "server/operations"}

// forTests are rooms that only tests, benchmarks and developers' tools import.
var forTests = []string{
	"server/servertest", "server/store/storetest", "server/store/pgtest", "server/bench",
	"server/payments/gateway/gatewaytest", "server/saga/sagatest", "server/saga/temporal/temporaltest", "server/lifecycletest",
	"server/redistest", "server/promtest", "server/ratelimit/limittest", "server/cache/cachetest", "server/discovery/consultest",
	"server/secrets/vault/vaulttest",
	"clients/importer/importertest", "clients/report/reporttest",
}

func TestImports(t *testing.T) {
	root := os.DirFS("..")
	files := 0
	err := fs.WalkDir(root, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() && (name == "node_modules" || entry.Name() == "node_modules" || strings.HasPrefix(entry.Name(), ".") && name != ".") {
			return fs.SkipDir
		}
		if entry.IsDir() || !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") {
			return nil
		}
		files++
		checkFile(t, name)
		return nil
	})
	require.NoError(t, err)
	require.Greater(t, files, 100)
}

// checkFile holds the imports of one file against the floors.
func checkFile(t *testing.T, name string) {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), filepath.Join("..", name), nil, parser.ImportsOnly)
	require.NoError(t, err)
	room, known := roomOf(path.Dir(name))
	if !known {
		t.Errorf("%s stands in no room: add it to the floors", name)
		return
	}
	for _, spec := range file.Imports {
		imported, err := strconv.Unquote(spec.Path.Value)
		require.NoError(t, err)
		target, ours := strings.CutPrefix(imported, module)
		if !ours {
			if strings.HasPrefix(room, "server/domain") && strings.Contains(imported, ".") {
				t.Errorf("%s imports %s: the domain is standard library only", name, imported)
			}
			continue
		}
		if !allowed(room, target) {
			t.Errorf("%s imports %s: %s may import only %v", name, target, room, floors[room])
		}
		if slices.Contains(services, room) && strings.HasPrefix(target, "gen/") {
			base := path.Base(name)
			if !strings.HasPrefix(base, "handler") && !strings.HasPrefix(base, "convert") {
				t.Errorf("%s imports %s: in a service only handler and convert files know the contract", name, target)
			}
		}
		if targetRoom, _ := roomOf(target); slices.Contains(forTests, targetRoom) && !slices.Contains(forTests, room) && room != "ent/migrate" {
			t.Errorf("%s imports %s, which is for tests", name, target)
		}
	}
}

func allowed(room, target string) bool {
	targetRoom, _ := roomOf(target)
	return targetRoom == room || slices.ContainsFunc(floors[room], func(floor string) bool {
		below, deep := strings.CutSuffix(floor, "/...")
		return targetRoom == below || deep && strings.HasPrefix(targetRoom, below+"/")
	})
}

// roomOf gives the room that a folder belongs to.
func roomOf(dir string) (string, bool) {
	for at := dir; at != "." && at != "/"; at = path.Dir(at) {
		if _, ok := floors[at]; ok {
			return at, true
		}
	}
	return "", false
}
