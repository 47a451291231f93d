package main

import (
	"cmp"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"connectrpc.com/connect"
	"github.com/spf13/cobra"

	client "github.com/orderprocessing/orderprocessing/clients/go"
	"github.com/orderprocessing/orderprocessing/server"
	"github.com/orderprocessing/orderprocessing/server/config"
	"github.com/orderprocessing/orderprocessing/server/fault"
)

// addServer gives a command that talks to a server the flags --server and --token, and gives what
// connects with them.
func addServer(cmd *cobra.Command) func(...client.Option) (*client.Client, error) {
	location := cmd.Flags().String("server", cmp.Or(os.Getenv("ORDERPROCESSING_URL"), "http://127.0.0.1:8080"),
		"URL of the server (ORDERPROCESSING_URL)")
	token := cmd.Flags().String("token", "", "token to call with (ORDERPROCESSING_TOKEN; default: the administrator's key of a server on this machine)")
	return func(options ...client.Option) (*client.Client, error) {
		if secret := cmp.Or(*token, os.Getenv("ORDERPROCESSING_TOKEN"), adminKey(*location)); secret != "" {
			options = append(options[:len(options):len(options)], client.WithToken(secret))
		}
		return client.New(*location, options...)
	}
}

// adminKey is the key that a server keeps in its data folder, for calls to a server on this machine: no
// other one gets to see it. It is empty when there is none.
func adminKey(location string) string {
	u, err := url.Parse(location)
	if err != nil {
		return ""
	}
	if ip := net.ParseIP(u.Hostname()); u.Hostname() != "localhost" && (ip == nil || !ip.IsLoopback()) {
		return ""
	}
	cfg, err := config.Load(nil)
	if err != nil { // the command needs no settings of a server
		cfg = config.Default()
	}
	secret, err := os.ReadFile(filepath.Join(cfg.Data.Dir, server.AdminKeyFile))
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(secret))
}

// explain gives an error as a sentence, with the reason that a server or a part gave.
func explain(err error) string {
	call, dial := (*connect.Error)(nil), (*net.OpError)(nil)
	if errors.As(err, &call) && errors.As(err, &dial) && dial.Op == "dial" {
		return fmt.Sprintf("%s: is the server running? Start one with 'orderprocessing serve', or name it with --server", err)
	}
	if reason := client.Reason(err); reason != "" {
		return fmt.Sprintf("%s (%s)", err, reason)
	}
	if reason := fault.ReasonOf(err); reason != "" {
		return fmt.Sprintf("%s (%s)", err, reason)
	}
	return err.Error()
}
