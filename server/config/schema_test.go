package config

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"
)

var update = flag.Bool("update", false, "write the files that are generated from the settings")

func TestGeneratedFiles(t *testing.T) {
	for name, write := range map[string]func(*bytes.Buffer) error{
		"config.schema.json": func(b *bytes.Buffer) error { return WriteSchema(b) },
		"configuration.md":   func(b *bytes.Buffer) error { return WriteManual(b) },
	} {
		t.Run(name+" is current", func(t *testing.T) {
			path := filepath.Join("..", "..", "docs", name)
			var want bytes.Buffer
			require.NoError(t, write(&want))
			if *update {
				require.NoError(t, os.WriteFile(path, want.Bytes(), 0o600))
			}
			got, err := os.ReadFile(path)
			require.NoError(t, err)
			require.Equal(t, want.String(), string(got), "run: go test ./server/config -update")
		})
	}
}

// schemaOf compiles the schema.
func schemaOf(t *testing.T) *jsonschema.Schema {
	t.Helper()
	var text bytes.Buffer
	require.NoError(t, WriteSchema(&text))
	document, err := jsonschema.UnmarshalJSON(&text)
	require.NoError(t, err)
	compiler := jsonschema.NewCompiler()
	require.NoError(t, compiler.AddResource("config.schema.json", document))
	schema, err := compiler.Compile("config.schema.json")
	require.NoError(t, err)
	return schema
}

// instance is a config file as a schema sees it.
func instance(t *testing.T, text string) any {
	t.Helper()
	var tree any
	require.NoError(t, yaml.Unmarshal([]byte(text), &tree))
	asJSON, err := json.Marshal(tree)
	require.NoError(t, err)
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(asJSON))
	require.NoError(t, err)
	return value
}

func TestWriteSchema(t *testing.T) {
	schema := schemaOf(t)
	t.Run("the defaults are right", func(t *testing.T) {
		var text bytes.Buffer
		require.NoError(t, Default().WriteYAML(&text))
		require.NoError(t, schema.Validate(instance(t, text.String())))
	})
	// The schema and the server agree.
	for name, tt := range map[string]struct {
		text  string
		right bool
	}{
		"an empty section":           {"server:\n", true},
		"a list with commas":         {"services: orders,inventory,payments,identity,operations\n", true},
		"a database in a list":       {"store: {shards: ['postgres://a', 'vault://secret/a#url']}\nvault: {address: 'http://v:1', token: t}\n", true},
		"a budget without a limit":   {"limits: {read: {per_minute: 0, burst: 0}}\n", true},
		"a long duration":            {"orders: {place_timeout: 1h30m}\n", true},
		"a misspelt key":             {"server: {prot: 1}\n", false},
		"a misspelt section":         {"serve: {port: 1}\n", false},
		"text for a number":          {"server: {port: many}\n", false},
		"a port there is not":        {"server: {port: 70000}\n", false},
		"an unknown level":           {"log: {level: loud}\n", false},
		"an unknown service":         {"services: [cooking]\n", false},
		"a duration without a unit":  {"server: {idle_timeout: 5}\n", false},
		"a duration that is a word":  {"server: {idle_timeout: soon}\n", false},
		"a section that is a number": {"server: 5\n", false},
	} {
		t.Run(name, func(t *testing.T) {
			dir := alone(t)
			write(t, filepath.Join(dir, "config.yaml"), tt.text)
			_, err := Load(nil)
			invalid := schema.Validate(instance(t, tt.text))
			if tt.right {
				require.NoError(t, err)
				require.NoError(t, invalid)
				return
			}
			require.Error(t, err)
			require.Error(t, invalid)
		})
	}
	t.Run("every key says what it is, its unit, its default and whether it reloads", func(t *testing.T) {
		var text bytes.Buffer
		require.NoError(t, WriteSchema(&text))
		for _, key := range Keys() {
			require.Contains(t, text.String(), key.Env)
		}
		var tree map[string]any
		require.NoError(t, json.Unmarshal(text.Bytes(), &tree))
		at := func(path ...string) map[string]any {
			node := tree
			for _, name := range path {
				node = node["properties"].(map[string]any)[name].(map[string]any)
			}
			return node
		}
		level := at("log", "level")
		require.Equal(t, []any{"debug", "info", "warn", "error"}, level["enum"])
		require.Equal(t, "info", level["default"])
		require.Contains(t, level["description"], "holds without a restart")
		port := at("server", "port")
		require.EqualValues(t, 65535, port["maximum"])
		require.Contains(t, port["description"], "needs a restart")
		require.Equal(t, "bytes", at("server", "max_request_bytes")["x-unit"])
		require.Equal(t, true, at("auth", "key_secret")["writeOnly"])
		require.NotContains(t, at("auth", "key_secret"), "default")
	})
}

func TestProblems(t *testing.T) {
	t.Run("a problem names its key, who said it, and what would be right", func(t *testing.T) {
		dir := alone(t)
		write(t, filepath.Join(dir, "config.yaml"), "server:\n  port: many\n  idle_timeout: 5\nops:\n  prot: 1\n")
		_, err := Load(nil)
		require.ElementsMatch(t, []Problem{
			{Key: "server.port", Where: filepath.Join(dir, "config.yaml") + ":2", Message: "server.port must be a whole number"},
			{Key: "server.idle_timeout", Where: filepath.Join(dir, "config.yaml") + ":3", Message: "server.idle_timeout must be a duration with its unit, such as 5s or 2m"},
			{Key: "ops.prot", Where: filepath.Join(dir, "config.yaml") + ":5", Message: "unknown key ops.prot, did you mean ops.port?"},
		}, withDir(dir, Problems(err)))
		write(t, filepath.Join(dir, "config.yaml"), "log:\n  level: loud\nserver: {port: 70000}\n")
		t.Setenv("ORDERPROCESSING_STORE_MAX_CONNECTIONS", "0")
		_, err = Load(flagSet(t, "--ops.port", "-1"))
		var where []string
		for _, p := range withDir(dir, Problems(err)) {
			where = append(where, p.Where)
		}
		require.ElementsMatch(t, []string{
			filepath.Join(dir, "config.yaml") + ":2", filepath.Join(dir, "config.yaml") + ":3", "ORDERPROCESSING_STORE_MAX_CONNECTIONS", "--ops.port",
		}, where)
	})
	t.Run("no problem shows a secret", func(t *testing.T) {
		dir := alone(t)
		write(t, filepath.Join(dir, "config.yaml"), "auth: {admin_key: hunter2, key_secret: [hunter2]}\nstore: {home: 'mysql://u:hunter2@h', page_token_key: {a: hunter2}}\npayments: {stripe: {secret_key: 'vault://hunter2'}}\n")
		_, err := Load(nil)
		require.Error(t, err)
		require.NotContains(t, err.Error(), "hunter2")
	})
}

// withDir makes the file's names absolute.
func withDir(dir string, found []Problem) []Problem {
	for i := range found {
		if strings.HasPrefix(found[i].Where, "config.yaml") {
			found[i].Where = filepath.Join(dir, found[i].Where)
		}
	}
	return found
}

func TestChanged(t *testing.T) {
	before, after := Default(), Default()
	after.Log.Level, after.Server.Port, after.Limits.Read.Burst = "debug", 1, 7
	after.Peers.Orders = []string{"a:1"}
	after.Server.IdleTimeout = time.Second
	changed := Changed(before, after)
	var names []string
	var live []Key
	for _, key := range changed {
		names = append(names, key.Name)
		if key.Reloads {
			live = append(live, key)
		}
	}
	require.Equal(t, []string{"server.port", "server.idle_timeout", "limits.read.burst", "peers.orders", "log.level"}, names)
	merged := before.With(after, live)
	require.Equal(t, "debug", merged.Log.Level)
	require.Equal(t, 7, merged.Limits.Read.Burst)
	require.Equal(t, before.Server, merged.Server)
	require.Equal(t, "info", before.Log.Level, "the original stays")
	require.Equal(t, Default().Fingerprint(), before.Fingerprint())
	require.NotEqual(t, before.Fingerprint(), merged.Fingerprint())
}

func TestKeys_reload(t *testing.T) {
	// Each of these has a follower in server/settings.go.
	followed := []string{"limits.", "log.level", "store.max_connections", "payments.call_timeout", "payments.breaker."}
	for _, key := range Keys() {
		follower := slices.ContainsFunc(followed, func(prefix string) bool { return strings.HasPrefix(key.Name, prefix) })
		kept := slices.Contains([]string{"limits.redis", "limits.fallback_share"}, key.Name)
		require.Equal(t, follower && !kept, key.Reloads, key.Name)
	}
}
