package main

import (
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/orderprocessing/orderprocessing/server/certs"
	"github.com/orderprocessing/orderprocessing/server/config"
)

const (
	authorityLife   = 10 * 365 * 24 * time.Hour
	certificateLife = 90 * 24 * time.Hour
)

func newCerts() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "certs",
		Short:   "Make certificates for development",
		Example: `  orderprocessing certs dev --dir certs`,
		Args:    cobra.ArbitraryArgs, // refuseUnknown looks at them
		RunE:    refuseUnknown,
	}
	cmd.AddCommand(newCertsDev())
	return cmd
}

func newCertsDev() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "dev",
		Short: "Make a local authority, and certificates of a server and of services",
		Long: `Make a local authority, and certificates of a server and of services, for development: ECDSA P-256,
in files that nobody else may read. An authority that is in the folder already is kept, so that more
services can be added; certificates are good for 90 days and made anew each time.`,
		Example: `  orderprocessing certs dev
  orderprocessing certs dev --dir certs --host shop.local,10.0.0.7 --service orders,payments
  orderprocessing serve --server.tls.cert_file certs/server.pem --server.tls.key_file certs/server-key.pem \
    --server.tls.client_ca_file certs/ca.pem --server.tls.client_auth require
  curl --cacert certs/ca.pem --cert certs/client.pem --key certs/client-key.pem https://localhost:8080/grpc.health.v1.Health/Check \
    --json '{}'`,
		Args: cobra.NoArgs,
	}
	dir := cmd.Flags().String("dir", "certs", "folder to write to; it is made when it is not there")
	hosts := cmd.Flags().StringSlice("host", []string{"localhost", "127.0.0.1", "::1"}, "names and addresses of the server")
	services := cmd.Flags().StringSlice("service", []string{"client"}, "services to make certificates of")
	domain := cmd.Flags().String("trust-domain", config.Default().Server.TLS.TrustDomain, "whom certificates name: spiffe://<trust-domain>/<service>")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if err := os.MkdirAll(*dir, 0o700); err != nil {
			return fmt.Errorf("--dir: %w", err)
		}
		file := func(name string) (string, string) {
			return filepath.Join(*dir, name+".pem"), filepath.Join(*dir, name+"-key.pem")
		}
		authority, err := authorityIn(file("ca"))
		if err != nil {
			return err
		}
		issue := func(name string, r certs.Request) error {
			pair, err := authority.Issue(r)
			if err != nil {
				return err
			}
			certificate, key := file(name)
			fmt.Fprintln(cmd.OutOrStdout(), certificate, key)
			return pair.Write(certificate, key)
		}
		if err := issue("server", certs.Request{Name: "server", Hosts: *hosts, Life: certificateLife}); err != nil {
			return err
		}
		for _, service := range *services {
			if service != filepath.Base(service) || service == "." || service == "ca" || service == "server" {
				return fmt.Errorf("--service: %q is no name of a service", service)
			}
			id := &url.URL{Scheme: "spiffe", Host: *domain, Path: "/" + service}
			if err := issue(service, certs.Request{Name: service, Service: id, Life: certificateLife}); err != nil {
				return err
			}
		}
		return nil
	}
	return cmd
}

// authorityIn loads the authority, or makes it when there is none.
func authorityIn(certificate, key string) (*certs.Authority, error) {
	if _, err := os.Stat(certificate); !errors.Is(err, fs.ErrNotExist) {
		return certs.LoadAuthority(certificate, key)
	}
	authority, err := certs.NewAuthority("orderprocessing development", authorityLife)
	if err != nil {
		return nil, err
	}
	return authority, authority.Write(certificate, key)
}
