package vault

import (
	"context"
	"encoding/pem"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/orderprocessing/orderprocessing/server/secrets"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// connected is a client that is logged in, and closed with the test.
func connected(t *testing.T, f *fake, auth Auth) (*Client, *notes) {
	t.Helper()
	c, out := newClient(t, f, auth)
	require.NoError(t, c.Connect(t.Context()))
	t.Cleanup(func() { require.NoError(t, c.Close(context.Background())) })
	return c, out
}

func TestClient_Connect(t *testing.T) {
	jwt := filepath.Join(t.TempDir(), "jwt")
	require.NoError(t, os.WriteFile(jwt, []byte("jwt\n"), 0o600))
	for name, auth := range map[string]Auth{
		"an AppRole": appRole, "a pod": Kubernetes{Mount: "k8s/", Role: "orders", JWTFile: jwt}, "a token": Token("token-1"),
	} {
		t.Run(name+" logs in, and calls in its namespace", func(t *testing.T) {
			f := newFake()
			c, _ := connected(t, f, auth)
			_, err := c.Read(t.Context(), secrets.Reference{Path: "secret/shop", Field: "key"})
			require.NoError(t, err)
			require.Equal(t, "token-1", f.last.Header.Get("X-Vault-Token"))
			require.Equal(t, "shop", f.last.Header.Get("X-Vault-Namespace"))
			require.NoError(t, c.Ready(t.Context()))
		})
	}
	t.Run("what the environment says of Vault is not looked at", func(t *testing.T) {
		for _, name := range []string{"VAULT_ADDR", "VAULT_TOKEN", "VAULT_NAMESPACE"} {
			t.Setenv(name, "http://elsewhere:1")
		}
		f := newFake()
		connected(t, f, appRole)
		require.Equal(t, "vault.example:8200", f.last.URL.Host)
		require.Equal(t, "shop", f.last.Header.Get("X-Vault-Namespace"))
	})
	for name, tt := range map[string]struct {
		change func(*fake)
		auth   Auth
		away   bool
		want   string
	}{
		"nobody answers":      {func(f *fake) { f.down = true }, appRole, true, "vault at http://vault.example:8200, auth/approle/login: no answer"},
		"it is sealed":        {func(f *fake) { f.status = 503 }, appRole, true, "it is sealed or starting (503)"},
		"it is broken":        {func(f *fake) { f.status = 500 }, appRole, true, "it answers 500"},
		"a wrong secret ID":   {func(*fake) {}, AppRole{SecretID: "hunter2"}, false, "refused (400)"},
		"a token that ended":  {func(f *fake) { f.status = 403 }, Token("hunter2"), false, "auth/token/lookup-self: denied (403)"},
		"no token of the pod": {func(*fake) {}, Kubernetes{JWTFile: "gone"}, false, "vault.jwt_file"},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFake()
			tt.change(f)
			c, _ := newClient(t, f, tt.auth)
			err := c.Connect(t.Context())
			require.ErrorContains(t, err, tt.want)
			require.NotContains(t, err.Error(), "hunter2")
			if tt.away {
				require.ErrorIs(t, err, secrets.ErrAway)
			} else {
				require.NotErrorIs(t, err, secrets.ErrAway)
			}
			require.NoError(t, c.Close(t.Context()))
		})
	}
}

func TestClient_Read(t *testing.T) {
	f := newFake()
	c, out := connected(t, f, appRole)
	for name, tt := range map[string]struct {
		reference secrets.Reference
		value     string
		want      string
	}{
		"the newest version":          {secrets.Reference{Path: "secret/shop", Field: "key"}, "hunter2", ""},
		"an earlier version":          {secrets.Reference{Path: "secret/shop", Field: "key", Version: 3}, "version-3", ""},
		"a number":                    {secrets.Reference{Path: "secret/shop", Field: "port"}, "5", ""},
		"an engine without versions":  {secrets.Reference{Path: "old/shop", Field: "key"}, "hunter2", ""},
		"a version of such an engine": {secrets.Reference{Path: "old/shop", Field: "key", Version: 1}, "", "old/shop: this engine keeps no versions"},
		"a field that is missing":     {secrets.Reference{Path: "secret/shop", Field: "kye"}, "", `secret/data/shop: there is no field "kye"`},
		"a field that is empty":       {secrets.Reference{Path: "secret/shop", Field: "empty"}, "", `secret/data/shop: there is no field "empty"`},
		"a field that is a list":      {secrets.Reference{Path: "secret/shop", Field: "list"}, "", `no field "list", or it is no text`},
		"a path with nothing":         {secrets.Reference{Path: "secret/gone", Field: "a"}, "", "secret/data/gone: there is nothing (404)"},
		"a version that was deleted":  {secrets.Reference{Path: "secret/deleted", Field: "a"}, "", "secret/data/deleted: this version was deleted"},
		"a path that is not for us":   {secrets.Reference{Path: "secret/mine", Field: "a"}, "", "secret/data/mine: denied (403)"},
		"an engine that is not ours":  {secrets.Reference{Path: "other/shop", Field: "a"}, "", "other/shop: denied (403)"},
	} {
		t.Run(name, func(t *testing.T) {
			value, err := c.Read(t.Context(), tt.reference)
			if tt.want != "" {
				require.ErrorContains(t, err, tt.want)
				require.NotContains(t, err.Error(), "hunter2")
				return
			}
			require.NoError(t, err)
			require.Equal(t, tt.value, value)
		})
	}
	t.Run("while it is away what is known is given, and counted", func(t *testing.T) {
		f.set(func(f *fake) { f.down = true })
		value, err := c.Read(t.Context(), secrets.Reference{Path: "secret/shop", Field: "key"})
		require.NoError(t, err)
		require.Equal(t, "hunter2", value)
		_, err = c.Read(t.Context(), secrets.Reference{Path: "secret/shop", Field: "new"})
		require.ErrorIs(t, err, secrets.ErrAway)
		require.Contains(t, out.String(), "going on with what is known")
		require.NotContains(t, out.String(), "hunter2")
		require.Positive(t, testutil.ToFloat64(c.metrics.calls.WithLabelValues(outcomeAway)))
		require.ErrorIs(t, c.Ready(t.Context()), secrets.ErrAway)
	})
}

func TestClient_Login(t *testing.T) {
	// during runs a client in made-up time.
	during := func(name string, auth Auth, run func(t *testing.T, f *fake, c *Client, l secrets.Login, out *notes)) {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := newFake()
				c, out := newClient(t, f, auth)
				require.NoError(t, c.Connect(t.Context()))
				l, err := c.Login(t.Context(), "database/creds/orders")
				require.NoError(t, err)
				run(t, f, c, l, out)
				require.NoError(t, c.Close(t.Context()))
				require.NotContains(t, out.String(), "hunter2")
			})
		})
	}
	user := func(l secrets.Login) string { user, _ := l.Current(); return user }
	forAWhile := func(d time.Duration) { time.Sleep(d); synctest.Wait() }
	during("a lease is renewed as long as it can be, then another user takes over", appRole, func(t *testing.T, f *fake, c *Client, l secrets.Login, out *notes) {
		forAWhile(30 * time.Minute)
		require.Equal(t, "user-1", user(l))
		f.set(func(f *fake) { require.Greater(t, f.renewals, 2) })
		forAWhile(30 * time.Minute)
		require.Equal(t, "user-2", user(l))
		require.Contains(t, out.String(), "new connections log in with a new user")
		f.set(func(f *fake) { require.Equal(t, 1, f.logins, "the token was renewed all the time") })
		require.Greater(t, testutil.ToFloat64(c.metrics.expiry.WithLabelValues("database/creds/orders")), float64(time.Now().Unix()))
	})
	during("the next user is there before the one before ends", appRole, func(t *testing.T, f *fake, _ *Client, l secrets.Login, _ *notes) {
		f.set(func(f *fake) { f.longest = f.life })
		for range 60 {
			forAWhile(time.Minute)
			f.set(func(f *fake) { require.Less(t, time.Since(f.made), f.life) })
		}
		require.NotEqual(t, "user-1", user(l))
	})
	during("while Vault is away the user stays, and when it is back the next one comes", appRole, func(t *testing.T, f *fake, c *Client, l secrets.Login, out *notes) {
		f.set(func(f *fake) { f.down = true })
		forAWhile(2 * time.Hour)
		require.Equal(t, "user-1", user(l))
		require.Contains(t, out.String(), "going on with what is known")
		require.Greater(t, testutil.ToFloat64(c.metrics.calls.WithLabelValues(outcomeAway)), 10.0)
		f.set(func(f *fake) { f.down = false })
		forAWhile(time.Minute)
		f.set(func(f *fake) { require.Equal(t, 2, f.logins, "its token has ended meanwhile") })
		require.NotEqual(t, "user-1", user(l))
	})
	during("what was lent ends with its token, so a new token takes a new user", appRole, func(t *testing.T, f *fake, _ *Client, l secrets.Login, _ *notes) {
		forAWhile(time.Minute)
		f.set(func(f *fake) { f.status = 403 }) // the token was revoked
		forAWhile(10 * time.Minute)
		f.set(func(f *fake) { f.status = 0 })
		forAWhile(time.Minute)
		f.set(func(f *fake) { require.Equal(t, 2, f.logins) })
		require.NotEqual(t, "user-1", user(l))
	})
	during("a token of somebody else's that ends leaves what is known", Token("t"), func(t *testing.T, f *fake, _ *Client, l secrets.Login, out *notes) {
		f.set(func(f *fake) { f.status = 403 })
		forAWhile(time.Hour)
		require.Equal(t, "user-1", user(l))
		require.Contains(t, out.String(), "denied (403)")
	})
	t.Run("what lends no user is refused", func(t *testing.T) {
		c, _ := connected(t, newFake(), appRole)
		for path, want := range map[string]string{
			"database/static-creds/orders": "it lends no username and password", "secret/data/shop": "it lends no username and password",
			"database/creds/gone": "there is nothing (404)", "secret/data/mine": "denied (403)",
		} {
			_, err := c.Login(t.Context(), path)
			require.ErrorContains(t, err, want)
			require.NotContains(t, err.Error(), "hunter2")
		}
	})
}

func TestNew_tls(t *testing.T) {
	f := newFake()
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		res, _ := f.RoundTrip(r)
		w.WriteHeader(res.StatusCode)
		_, _ = io.Copy(w, res.Body)
	}))
	defer server.Close()
	ca := filepath.Join(t.TempDir(), "ca.pem")
	require.NoError(t, os.WriteFile(ca, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw}), 0o600))
	open := func(file string) (*Client, error) {
		return New(Options{Address: server.URL, CAFile: file, Auth: appRole, Registry: prometheus.NewRegistry()})
	}
	t.Run("a certificate of a stranger is refused", func(t *testing.T) {
		c, err := open("")
		require.NoError(t, err)
		require.ErrorContains(t, c.Connect(t.Context()), "certificate")
		require.NoError(t, c.Close(t.Context()))
	})
	t.Run("a file without a certificate is refused", func(t *testing.T) {
		_, err := open(filepath.Join(t.TempDir(), "gone"))
		require.ErrorContains(t, err, "vault.ca_file")
		empty := filepath.Join(t.TempDir(), "empty")
		require.NoError(t, os.WriteFile(empty, nil, 0o600))
		_, err = open(empty)
		require.ErrorContains(t, err, "has no certificate")
	})
	t.Run("one of our authority is taken", func(t *testing.T) {
		c, err := open(ca)
		require.NoError(t, err)
		require.NoError(t, c.Connect(t.Context()))
		require.NoError(t, c.Close(t.Context()))
	})
}
