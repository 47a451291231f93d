package identity_test

import (
	"encoding/base64"
	"errors"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/orderprocessing/orderprocessing/server/auth"
	"github.com/orderprocessing/orderprocessing/server/auth/oidc"
	"github.com/orderprocessing/orderprocessing/server/fault"
)

func TestAuthenticator(t *testing.T) {
	t.Run("no credentials are nobody", func(t *testing.T) {
		caller, err := lite(t).authenticator(nil).Authenticate(t.Context(), auth.Credentials{})
		require.NoError(t, err)
		require.Equal(t, auth.Caller{}, caller)
	})
	t.Run("keys that are not quite right are refused", func(t *testing.T) {
		w := lite(t)
		_, secret := w.key(newKey("r1"))
		_, other := w.key(newKey("r2"))
		a := w.authenticator(nil)
		for name, token := range map[string]string{
			"an unknown beginning":   "opk_aaaaaaaaaaaa" + secret[16:],
			"another key's end":      secret[:16] + other[16:],
			"cut":                    secret[:len(secret)-1],
			"longer":                 secret + "a",
			"in capitals":            strings.ToUpper(secret),
			"with a space":           secret + " ",
			"the beginning alone":    secret[:16],
			"the beginning, no more": secret[:17],
			"SQL":                    "opk_' OR '1'='1_" + secret[17:],
		} {
			_, err := calls(t, a, token)
			require.Equal(t, fault.ReasonCredentialsInvalid, fault.ReasonOf(err), "%s: %v", name, err)
		}
	})
	t.Run("the tokens of a user who is deleted or shut out die within a minute", func(t *testing.T) {
		for name, end := range map[string]func(*world, string){
			"deleted":  func(w *world, _ string) { w.run("DELETE FROM users") },
			"shut out": func(w *world, _ string) { w.run("UPDATE users SET roles = 0") },
			"login revoked": func(w *world, refresh string) {
				require.NoError(t, w.Logout(t.Context(), refresh))
			},
			"login gone": func(w *world, _ string) { w.run("DELETE FROM logins") },
		} {
			w := lite(t)
			w.ada()
			issued := w.login()
			a := w.authenticator(nil)
			_, err := calls(t, a, issued.Access)
			require.NoError(t, err)
			end(w, issued.Refresh)
			w.forward(5 * time.Second)
			_, err = calls(t, a, issued.Access)
			require.Equal(t, fault.ReasonCredentialsInvalid, fault.ReasonOf(err), "%s: %v", name, err)
		}
	})
	t.Run("a key that is revoked is out within seconds", func(t *testing.T) {
		w := lite(t)
		k, secret := w.key(newKey("r1"))
		a := w.authenticator(nil)
		_, err := calls(t, a, secret)
		require.NoError(t, err)
		_, err = w.RevokeKey(w.operator(), k.ID)
		require.NoError(t, err)
		w.forward(5 * time.Second)
		_, err = calls(t, a, secret)
		requireReason(t, fault.ReasonCredentialsInvalid, err)
	})
	t.Run("a proof that is remembered ends with its token", func(t *testing.T) {
		w := lite(t)
		w.ada()
		issued := w.login()
		a := w.authenticator(nil)
		w.at = issued.AccessExpires.Add(-time.Second)
		_, err := calls(t, a, issued.Access)
		require.NoError(t, err)
		w.forward(32 * time.Second)
		_, err = calls(t, a, issued.Access)
		requireReason(t, fault.ReasonTokenExpired, err)
	})
	t.Run("who is known goes on for a minute while the database is away, nobody else comes in", func(t *testing.T) {
		w := lite(t)
		_, known := w.key(newKey("r1"))
		_, unknown := w.key(newKey("r2"))
		a := w.authenticator(nil)
		_, err := calls(t, a, known)
		require.NoError(t, err)
		require.NoError(t, w.log.Close(t.Context()))
		require.NoError(t, w.database.Close())
		w.forward(30 * time.Second)
		_, err = calls(t, a, known)
		require.NoError(t, err)
		_, err = calls(t, a, unknown)
		require.Error(t, err)
		require.NotEqual(t, fault.KindUnauthenticated, fault.KindOf(err), "it may be good")
		w.forward(30 * time.Second)
		_, err = calls(t, a, known)
		require.Error(t, err)
	})
	t.Run("the use of a key is noted, at most once a minute", func(t *testing.T) {
		w := lite(t)
		k, secret := w.key(newKey("r1"))
		a := w.authenticator(nil)
		used := func() time.Time {
			_, err := calls(t, a, secret)
			require.NoError(t, err)
			stored, err := w.Store.Key(t.Context(), k.ID)
			require.NoError(t, err)
			return stored.LastUsed
		}
		began := w.at
		require.Equal(t, began, used())
		w.forward(50 * time.Second)
		require.Equal(t, began, used())
		w.forward(11 * time.Second)
		require.Equal(t, began.Add(61*time.Second), used())
	})
	t.Run("many callers at the same time share one proof", func(t *testing.T) {
		w := lite(t)
		w.ada()
		issued := w.login()
		a := w.authenticator(nil)
		var all sync.WaitGroup
		errs := make(chan error, 100)
		for range cap(errs) {
			all.Go(func() {
				_, err := calls(t, a, issued.Access)
				errs <- err
			})
		}
		all.Wait()
		for range cap(errs) {
			require.NoError(t, <-errs)
		}
	})
	t.Run("tokens of an outside issuer go to it, and no others do", func(t *testing.T) {
		w := lite(t)
		w.ada()
		away := oidc.New(oidc.Options{Issuer: "https://login.example", Audience: "orders", RolesClaim: "roles", Now: w.now, Transport: nowhere{}})
		a := w.authenticator(away)
		claims := base64.RawURLEncoding.EncodeToString([]byte(`{"iss":"https://login.example"}`))
		_, err := calls(t, a, "e30."+claims+".x")
		requireReason(t, fault.ReasonDependencyDown, err)
		_, err = calls(t, a, w.login().Access)
		require.NoError(t, err)
		_, err = calls(t, w.authenticator(nil), "e30."+claims+".x")
		requireReason(t, fault.ReasonCredentialsInvalid, err)
	})
}

// nowhere is a network that is down.
type nowhere struct{}

func (nowhere) RoundTrip(*http.Request) (*http.Response, error) { return nil, errors.New("down") }

// BenchmarkAuthenticate proves again and again who calls, as a busy caller makes us do.
func BenchmarkAuthenticate(b *testing.B) {
	w := lite(b)
	w.ada()
	_, key := w.key(newKey("r1"))
	for name, token := range map[string]string{"access token": w.login().Access, "API key": key} {
		b.Run(name, func(b *testing.B) {
			a := w.authenticator(nil)
			b.ReportAllocs()
			for b.Loop() {
				if _, err := calls(b, a, token); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
