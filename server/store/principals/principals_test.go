package principals_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/orderprocessing/orderprocessing/server/auth"
	"github.com/orderprocessing/orderprocessing/server/auth/tokens"
	"github.com/orderprocessing/orderprocessing/server/fault"
	"github.com/orderprocessing/orderprocessing/server/store/database"
	"github.com/orderprocessing/orderprocessing/server/store/principals"
	"github.com/orderprocessing/orderprocessing/server/store/storetest"
)

// What users, logins and API keys are for is tested over both databases in server/identity.

func TestSQLite(t *testing.T)   { testStore(t, storetest.SQLite(1)) }
func TestPostgres(t *testing.T) { testStore(t, storetest.Postgres(1)) }

var at = time.Date(2026, 3, 1, 12, 0, 0, 123456000, time.UTC)

func open(t *testing.T, databases func(testing.TB) []string) *principals.Store {
	t.Helper()
	d, err := database.Open(t.Context(), databases(t)[0], database.Options{MaxConnections: 2})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, d.Close()) })
	return principals.New(d)
}

func testStore(t *testing.T, databases func(testing.TB) []string) {
	t.Run("signing keys come back by number, and the first one of a number stays", func(t *testing.T) {
		s := open(t, databases)
		keys := []tokens.Key{
			{Number: 1, ID: "a", Public: []byte{1}, Private: []byte{2}, Signs: at, Created: at},
			{Number: 2, ID: "b", Public: []byte{3}, Private: []byte{4}, Sealed: true, Signs: at.Add(time.Hour), Created: at},
		}
		for _, i := range []int{1, 0} {
			require.NoError(t, s.AddSigningKey(t.Context(), keys[i]))
		}
		require.NoError(t, s.AddSigningKey(t.Context(), tokens.Key{Number: 2, ID: "c", Public: []byte{5}, Private: []byte{6}, Signs: at, Created: at}))
		got, err := s.SigningKeys(t.Context())
		require.NoError(t, err)
		require.Equal(t, keys, got)

		for _, number := range []int{1, 2} { // the second is sealed
			require.NoError(t, s.SealSigningKey(t.Context(), number, []byte{9}))
		}
		got, err = s.SigningKeys(t.Context())
		require.NoError(t, err)
		keys[0].Private, keys[0].Sealed = []byte{9}, true
		require.Equal(t, keys, got)

		require.NoError(t, s.DropSigningKeys(t.Context(), 2))
		got, err = s.SigningKeys(t.Context())
		require.NoError(t, err)
		require.Equal(t, keys[1:], got)
	})
	t.Run("keys come back as they were stored", func(t *testing.T) {
		s := open(t, databases)
		full := principals.Key{
			ID: principals.KeyID{UUID: principals.NewID(at)}, Name: "søgning 🔑", Roles: []auth.Role{auth.Customer, auth.Operator},
			Scopes: []string{"orders.v1.OrderService"}, CustomerID: "cus_1", Maker: "usr_1", Expires: at.Add(time.Hour), Created: at,
			Secrets: []principals.Secret{{Prefix: "opk_a", Hash: []byte{1, 2}, Created: at, Request: "r1"}},
		}
		bare := principals.Key{
			ID: principals.KeyID{UUID: principals.NewID(at.Add(time.Second))}, Created: at,
			Secrets: []principals.Secret{{Prefix: "opk_b", Hash: []byte{3}, Created: at, Request: "r2"}},
		}
		for _, k := range []principals.Key{full, bare} {
			require.NoError(t, s.AddKey(t.Context(), k, k.Secrets[0]))
		}
		got, err := s.Keys(t.Context(), principals.KeyID{}, 10)
		require.NoError(t, err)
		require.Equal(t, []principals.Key{bare, full}, got)
		require.NoError(t, s.TouchKey(t.Context(), full.ID, at.Add(time.Minute)))
		k, secret, err := s.KeyByPrefix(t.Context(), "opk_a")
		require.NoError(t, err)
		require.Equal(t, at.Add(time.Minute), k.LastUsed)
		require.Equal(t, full.Secrets[0], secret)
	})
	t.Run("a request that made a secret before leaves nothing behind", func(t *testing.T) {
		s := open(t, databases)
		secret := principals.Secret{Prefix: "opk_a", Hash: []byte{1}, Created: at, Request: "r1"}
		require.NoError(t, s.AddKey(t.Context(), principals.Key{ID: principals.KeyID{UUID: principals.NewID(at)}, Created: at}, secret))
		secret.Prefix = "opk_b"
		err := s.AddKey(t.Context(), principals.Key{ID: principals.KeyID{UUID: principals.NewID(at)}, Created: at}, secret)
		require.Equal(t, fault.ReasonSecretTold, fault.ReasonOf(err), "%v", err)
		got, err := s.Keys(t.Context(), principals.KeyID{}, 10)
		require.NoError(t, err)
		require.Len(t, got, 1)
	})
	t.Run("a database that is closed is an error, not nobody", func(t *testing.T) {
		d, err := database.Open(t.Context(), databases(t)[0], database.Options{})
		require.NoError(t, err)
		s := principals.New(d)
		require.NoError(t, d.Close())
		_, err = s.UserByEmail(t.Context(), "ada@example.com")
		require.Error(t, err)
		require.NotEqual(t, fault.ReasonUserNotFound, fault.ReasonOf(err))
	})
}
