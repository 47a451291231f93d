// Command vault serves Vault's own core by its own HTTP handler, with the engines that our tests need: KV,
// databases in Postgres, AppRole. Whoever starts it initializes and unseals it, as with any other. It is for
// tests alone.
package main

import (
	"flag"
	"log"
	"net/http"
	"os"
	"os/signal"
	"slices"
	"syscall"
	"time"

	"github.com/hashicorp/go-hclog"
	kv "github.com/hashicorp/vault-plugin-secrets-kv"
	"github.com/hashicorp/vault/builtin/credential/approle"
	"github.com/hashicorp/vault/builtin/logical/database"
	vaulthttp "github.com/hashicorp/vault/http"
	"github.com/hashicorp/vault/internalshared/configutil"
	"github.com/hashicorp/vault/plugins/database/postgresql"
	"github.com/hashicorp/vault/sdk/helper/consts"
	"github.com/hashicorp/vault/sdk/logical"
	"github.com/hashicorp/vault/sdk/physical/file"
	"github.com/hashicorp/vault/vault"
)

func main() {
	address := flag.String("address", "127.0.0.1:8200", "where to listen")
	dir := flag.String("dir", "", "folder of what is stored")
	flag.Parse()
	if err := serve(*address, *dir); err != nil {
		log.Fatal(err)
	}
}

func serve(address, dir string) error {
	logger := hclog.New(&hclog.LoggerOptions{Level: hclog.Warn, Output: os.Stderr})
	storage, err := file.NewFileBackend(map[string]string{"path": dir}, logger)
	if err != nil {
		return err
	}
	core, err := vault.NewCore(&vault.CoreConfig{
		Physical: storage, StorageType: "file", Logger: logger, DisableMlock: true, RedirectAddr: "http://" + address,
		BuiltinRegistry: builtins, LogicalBackends: map[string]logical.Factory{"kv": kv.Factory, "database": database.Factory},
		CredentialBackends: map[string]logical.Factory{"approle": approle.Factory},
	})
	if err != nil {
		return err
	}
	server := &http.Server{
		Addr: address, ReadHeaderTimeout: time.Minute,
		Handler: vaulthttp.Handler.Handler(&vault.HandlerProperties{Core: core, ListenerConfig: &configutil.Listener{}}),
	}
	go func() {
		stop := make(chan os.Signal, 1)
		signal.Notify(stop, syscall.SIGTERM, os.Interrupt)
		<-stop
		_ = server.Close()
	}()
	if err := server.ListenAndServe(); err != http.ErrServerClosed {
		return err
	}
	return core.Shutdown()
}

// registry names the plugins that are built in.
type registry map[consts.PluginType]map[string]func() (any, error)

var builtins = registry{
	consts.PluginTypeDatabase:   {"postgresql-database-plugin": postgresql.New},
	consts.PluginTypeSecrets:    {"kv": factory(kv.Factory), "database": factory(database.Factory)},
	consts.PluginTypeCredential: {"approle": factory(approle.Factory)},
}

func factory(f logical.Factory) func() (any, error) { return func() (any, error) { return f, nil } }

func (r registry) Contains(name string, kind consts.PluginType) bool { return r[kind][name] != nil }

func (r registry) Get(name string, kind consts.PluginType) (func() (any, error), bool) {
	plugin, ok := r[kind][name]
	return plugin, ok
}

func (r registry) Keys(kind consts.PluginType) (names []string) {
	for name := range r[kind] {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

func (r registry) DeprecationStatus(name string, kind consts.PluginType) (consts.DeprecationStatus, bool) {
	return consts.Supported, r.Contains(name, kind)
}

func (registry) IsBuiltinEntPlugin(string, consts.PluginType) bool { return false }
