package identity_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/orderprocessing/orderprocessing/server/audit"
	"github.com/orderprocessing/orderprocessing/server/auth"
	"github.com/orderprocessing/orderprocessing/server/auth/oidc"
	"github.com/orderprocessing/orderprocessing/server/auth/password"
	"github.com/orderprocessing/orderprocessing/server/auth/tokens"
	"github.com/orderprocessing/orderprocessing/server/fault"
	"github.com/orderprocessing/orderprocessing/server/identity"
	"github.com/orderprocessing/orderprocessing/server/pagetoken"
	"github.com/orderprocessing/orderprocessing/server/store/database"
	"github.com/orderprocessing/orderprocessing/server/store/principals"
	"github.com/orderprocessing/orderprocessing/server/store/storetest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// world is the use cases over a database of their own, at a time that the test moves.
type world struct {
	*identity.Service
	t         testing.TB
	database  *database.Database
	log       *audit.Store
	passwords *password.Hasher
	at        time.Time
}

// each runs a test over both databases.
func each(t *testing.T, test func(*testing.T, *world)) {
	t.Helper()
	t.Run("SQLite", func(t *testing.T) { test(t, newWorld(t, storetest.SQLite(1)(t)[0])) })
	t.Run("Postgres", func(t *testing.T) { test(t, newWorld(t, storetest.Postgres(1)(t)[0])) })
}

// lite runs a test whose point is not in the database.
func lite(t testing.TB) *world {
	t.Helper()
	return newWorld(t, storetest.SQLite(1)(t)[0])
}

func newWorld(t testing.TB, url string) *world {
	t.Helper()
	d, err := database.Open(t.Context(), url, database.Options{MaxConnections: 4})
	require.NoError(t, err)
	w := &world{t: t, database: d, at: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)}
	w.passwords = password.New(password.Cost{MemoryKiB: 64, Passes: 1, Lanes: 1}, 4)
	w.log = audit.New(d, w.now)
	store := principals.New(d)
	access, err := tokens.New(t.Context(), tokens.Options{Keys: store, Issuer: "us", Audience: "api", Now: w.now})
	require.NoError(t, err)
	w.Service = identity.New(identity.Options{
		Store: store, Audit: w.log, Passwords: w.passwords, Tokens: access, Pages: pagetoken.New([]byte("pages")),
		HashKey: []byte("hashes"), Now: w.now,
	})
	t.Cleanup(func() {
		require.NoError(t, w.log.Close(context.Background()))
		require.NoError(t, d.Close())
	})
	return w
}

func (w *world) now() time.Time          { return w.at }
func (w *world) forward(d time.Duration) { w.at = w.at.Add(d) }

const (
	email  = "ada@example.com"
	secret = "correct horse battery"
)

// ada registers a user.
func (w *world) ada() principals.User {
	w.t.Helper()
	u, err := w.Register(w.t.Context(), identity.Registration{Email: email, Password: secret, Name: "Ada", RequestID: "r1"})
	require.NoError(w.t, err)
	return u
}

// login logs the user in.
func (w *world) login() identity.Tokens {
	w.t.Helper()
	issued, _, err := w.Login(w.t.Context(), email, secret)
	require.NoError(w.t, err)
	return issued
}

// as gives the context of a caller.
func (w *world) as(callerID string, roles ...auth.Role) context.Context {
	return auth.WithCaller(w.t.Context(), auth.Caller{ID: callerID, Roles: roles})
}

func (w *world) operator() context.Context { return w.as("key_operator", auth.Staff, auth.Operator) }

func (w *world) authenticator(outside *oidc.Issuer) *identity.Authenticator {
	return identity.NewAuthenticator(w.Service, outside)
}

// calls proves who a token stands for.
func calls(t testing.TB, a *identity.Authenticator, token string) (auth.Caller, error) {
	t.Helper()
	return a.Authenticate(t.Context(), auth.Credentials{Token: token})
}

// audited gives the records as lines, oldest first.
func (w *world) audited() (lines []string) {
	w.t.Helper()
	report, err := w.log.Verify(w.t.Context(), nil, nil)
	require.NoError(w.t, err)
	require.True(w.t, report.OK)
	records, err := w.log.List(w.t.Context(), 0, 1000)
	require.NoError(w.t, err)
	for i := len(records) - 1; i >= 0; i-- {
		r := records[i]
		lines = append(lines, strings.Join([]string{r.Actor, r.Action, r.Object, string(r.Outcome), r.Detail}, "|"))
	}
	return lines
}

func (w *world) run(statement string) {
	w.t.Helper()
	_, err := w.database.Write.ExecContext(w.t.Context(), statement)
	require.NoError(w.t, err)
}

func requireReason(t *testing.T, reason fault.Reason, err error) {
	t.Helper()
	require.Error(t, err)
	require.Equal(t, reason, fault.ReasonOf(err), "%v", err)
}
