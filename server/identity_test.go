package server_test

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"connectrpc.com/connect"
	"github.com/stretchr/testify/require"

	identityv1 "github.com/orderprocessing/orderprocessing/gen/identity/v1"
	"github.com/orderprocessing/orderprocessing/server"
	"github.com/orderprocessing/orderprocessing/server/auth"
	"github.com/orderprocessing/orderprocessing/server/config"
	"github.com/orderprocessing/orderprocessing/server/servertest"
	"github.com/orderprocessing/orderprocessing/server/store/pgtest"
)

func TestIdentity(t *testing.T) {
	s := servertest.Start(t)
	t.Run("a user registers and logs in", func(t *testing.T) {
		registered, err := s.Identity.RegisterUser(t.Context(), &identityv1.RegisterUserRequest{
			Email: "ada@example.com", Password: "correct horse battery", RequestId: "r1",
		})
		require.NoError(t, err)
		in, err := s.Identity.Login(t.Context(), &identityv1.LoginRequest{Email: "ada@example.com", Password: "correct horse battery"})
		require.NoError(t, err)
		require.Equal(t, registered.GetUser().GetId(), in.GetUser().GetId())
		_, err = s.Identity.Login(t.Context(), &identityv1.LoginRequest{Email: "ada@example.com", Password: "wrong"})
		require.Equal(t, connect.CodeUnauthenticated, connect.CodeOf(err), "%v", err)
	})
	t.Run("the keys that sign tokens are published", func(t *testing.T) {
		response, err := s.HTTP.Get(s.URL + "/.well-known/jwks.json")
		require.NoError(t, err)
		defer response.Body.Close()
		require.Equal(t, http.StatusOK, response.StatusCode)
		var set struct {
			Keys []map[string]string `json:"keys"`
		}
		require.NoError(t, json.NewDecoder(response.Body).Decode(&set))
		require.Len(t, set.Keys, 1)
		require.Equal(t, "Ed25519", set.Keys[0]["crv"])
		require.NotContains(t, set.Keys[0], "d")
	})
	t.Run("who says nothing is nobody", func(t *testing.T) {
		_, err := s.As(auth.Caller{}).Identity.GetMe(t.Context(), &identityv1.GetMeRequest{})
		require.Equal(t, connect.CodeUnauthenticated, connect.CodeOf(err), "%v", err)
	})
	path := filepath.Join(s.Config.Data.Dir, server.AdminKeyFile)
	t.Run("the administrator's key is in the data folder, for its owner alone", func(t *testing.T) {
		info, err := os.Stat(path)
		require.NoError(t, err)
		require.Equal(t, os.FileMode(0o600), info.Mode().Perm())
		key, err := os.ReadFile(path)
		require.NoError(t, err)
		require.Regexp(t, `^opk_[0-9a-z]{12}_[0-9a-z]{26}\n$`, string(key))
	})
	t.Run("it stays when the server starts again", func(t *testing.T) {
		before, err := os.ReadFile(path)
		require.NoError(t, err)
		s.Stop(t)
		servertest.Start(t, func(c *config.Config) { c.Data.Dir = s.Config.Data.Dir })
		after, err := os.ReadFile(path)
		require.NoError(t, err)
		require.Equal(t, before, after)
	})
}

func TestFirstStart_postgres(t *testing.T) {
	url := config.DatabaseURL(pgtest.URL(t))
	dir := t.TempDir()
	start := func(t *testing.T, change func(*config.Config)) string {
		t.Helper()
		var notice bytes.Buffer
		s := servertest.StartWith(t, server.Options{Notice: &notice}, func(c *config.Config) {
			c.Data.Dir, c.Store.Home, c.Store.Shards = dir, url, []config.DatabaseURL{url}
			if change != nil {
				change(c)
			}
		})
		s.Stop(t)
		return notice.String()
	}
	t.Run("a key that the configuration gives is not told", func(t *testing.T) {
		require.Empty(t, start(t, func(c *config.Config) {
			c.Auth.AdminKey = config.Secret("opk_" + strings.Repeat("a", 12) + "_" + strings.Repeat("b", 26))
		}))
	})
	t.Run("otherwise a key is told once", func(t *testing.T) {
		require.Regexp(t, `opk_[0-9a-z]{12}_[0-9a-z]{26}`, start(t, nil))
		require.Empty(t, start(t, nil))
		require.NoFileExists(t, filepath.Join(dir, server.AdminKeyFile))
	})
	t.Run("keys that are sealed are not opened with another secret", func(t *testing.T) {
		secret := func(c *config.Config) { c.Auth.KeySecret = config.Secret(strings.Repeat("k", 32)) }
		start(t, secret)
		cfg := config.Default()
		cfg.Server.Port, cfg.Ops.Port, cfg.Data.Dir = 0, 0, dir
		cfg.Store.Home, cfg.Store.Shards = url, []config.DatabaseURL{url}
		err := server.Serve(t.Context(), cfg, server.Options{Logger: slog.New(slog.DiscardHandler)})
		require.ErrorContains(t, err, "auth.key_secret")
	})
}
