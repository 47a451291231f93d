// Package vaulttest gives tests a real Vault.
package vaulttest

import (
	"context"
	"net"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/hashicorp/vault/api"
	"github.com/stretchr/testify/require"
)

// patience is how long a Vault may take to start on a busy machine.
const patience = time.Minute

// Server is a Vault whose storage outlives its process.
type Server struct {
	Address string
	API     *api.Client // of the root

	dir, key string
	host     string
	cmd      *exec.Cmd
	ended    chan struct{}
}

// Start starts an empty Vault, initialized and unsealed, that ends with the test. make test-vault builds it.
func Start(tb testing.TB) *Server {
	tb.Helper()
	l, err := new(net.ListenConfig).Listen(tb.Context(), "tcp", "127.0.0.1:0")
	require.NoError(tb, err)
	s := &Server{host: l.Addr().String(), Address: "http://" + l.Addr().String(), dir: tb.TempDir()}
	require.NoError(tb, l.Close())
	s.API, err = api.NewClient(&api.Config{Address: s.Address, Timeout: patience})
	require.NoError(tb, err)
	s.run(tb)
	tb.Cleanup(s.Kill)
	made, err := s.API.Sys().InitWithContext(tb.Context(), &api.InitRequest{SecretShares: 1, SecretThreshold: 1})
	require.NoError(tb, err)
	s.key = made.KeysB64[0]
	s.API.SetToken(made.RootToken)
	s.Unseal(tb)
	return s
}

func (s *Server) run(tb testing.TB) {
	tb.Helper()
	program := os.Getenv("ORDERPROCESSING_TEST_VAULT")
	require.FileExists(tb, program, "make test-vault builds it, and says where it is")
	s.cmd = exec.CommandContext(context.Background(), program, "-address", s.host, "-dir", s.dir) //nolint:gosec // the test's own tool
	s.cmd.Stdout, s.cmd.Stderr = os.Stdout, os.Stderr
	require.NoError(tb, s.cmd.Start())
	ended := make(chan struct{})
	s.ended = ended
	go func(cmd *exec.Cmd) {
		_ = cmd.Wait() // killed
		close(ended)
	}(s.cmd)
	require.Eventually(tb, func() bool {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		_, err := s.API.Sys().SealStatusWithContext(ctx)
		return err == nil
	}, patience, 50*time.Millisecond)
}

// Unseal opens the Vault, which is sealed whenever it starts.
func (s *Server) Unseal(tb testing.TB) {
	tb.Helper()
	require.Eventually(tb, func() bool {
		status, err := s.API.Sys().UnsealWithContext(tb.Context(), s.key)
		return err == nil && !status.Sealed
	}, patience, 50*time.Millisecond)
	require.Eventually(tb, func() bool { // until it is active
		_, err := s.API.Sys().ListMountsWithContext(tb.Context())
		return err == nil
	}, patience, 50*time.Millisecond)
}

// Kill ends it as a power failure does. Killing twice does nothing.
func (s *Server) Kill() {
	_ = s.cmd.Process.Kill() // it may have ended
	<-s.ended
}

// Restart starts it after Kill, sealed.
func (s *Server) Restart(tb testing.TB) {
	tb.Helper()
	s.run(tb)
}

// Write writes to a path.
func (s *Server) Write(tb testing.TB, path string, data map[string]any) *api.Secret {
	tb.Helper()
	secret, err := s.API.Logical().WriteWithContext(tb.Context(), path, data)
	require.NoError(tb, err)
	return secret
}

// Mount mounts an engine.
func (s *Server) Mount(tb testing.TB, path, kind string, options map[string]string) {
	tb.Helper()
	require.NoError(tb, s.API.Sys().MountWithContext(tb.Context(), path, &api.MountInput{Type: kind, Options: options}))
}

// AppRole makes a role with a policy, and gives its role ID and a secret ID. Its tokens last for life.
func (s *Server) AppRole(tb testing.TB, name, policy, life string) (roleID, secretID string) {
	tb.Helper()
	require.NoError(tb, s.API.Sys().PutPolicyWithContext(tb.Context(), name, policy))
	s.Write(tb, "auth/approle/role/"+name, map[string]any{"token_policies": name, "token_ttl": life, "token_max_ttl": "1h"})
	role, err := s.API.Logical().ReadWithContext(tb.Context(), "auth/approle/role/"+name+"/role-id")
	require.NoError(tb, err)
	secret := s.Write(tb, "auth/approle/role/"+name+"/secret-id", nil)
	return role.Data["role_id"].(string), secret.Data["secret_id"].(string)
}
