package identity_test

import (
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/orderprocessing/orderprocessing/server/auth"
	"github.com/orderprocessing/orderprocessing/server/contract"
	"github.com/orderprocessing/orderprocessing/server/fault"
	"github.com/orderprocessing/orderprocessing/server/identity"
	"github.com/orderprocessing/orderprocessing/server/store/principals"
)

// newKey is a key for a program of the shop.
func newKey(requestID string) identity.NewKey {
	return identity.NewKey{Name: "warehouse", Roles: []auth.Role{auth.Staff}, RequestID: requestID}
}

func (w *world) key(n identity.NewKey) (principals.Key, string) {
	w.t.Helper()
	k, secret, err := w.CreateKey(w.operator(), n)
	require.NoError(w.t, err)
	return k, secret
}

func TestCreateKey(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		n := newKey("r1")
		n.Roles, n.CustomerID, n.Scopes = []auth.Role{auth.Staff, auth.Customer}, "cus_1", []string{"orders.v1.OrderService/GetOrder"}
		n.Expires = w.at.Add(time.Hour)
		k, secret := w.key(n)
		a := w.authenticator(nil)
		t.Run("its secret stands for it, and only its beginning is stored", func(t *testing.T) {
			caller, err := calls(t, a, secret)
			require.NoError(t, err)
			require.Equal(t, auth.Caller{
				ID: k.ID.String(), CustomerID: "cus_1", Roles: []auth.Role{auth.Customer, auth.Staff}, Scopes: n.Scopes,
			}, caller)
			require.Regexp(t, `^opk_[0-9a-z]{12}_[0-9a-z]{26}$`, secret)
			listed, _, err := w.Keys(t.Context(), contract.Page{Size: 1})
			require.NoError(t, err)
			require.Equal(t, secret[:16], listed[0].Secrets[0].Prefix)
			require.NotContains(t, string(listed[0].Secrets[0].Hash), secret[17:])
		})
		t.Run("the same request again makes no second key", func(t *testing.T) {
			_, _, err := w.CreateKey(w.operator(), n)
			requireReason(t, fault.ReasonSecretTold, err)
			_, _, err = w.CreateKey(w.as("key_another", auth.Operator), newKey("r1"))
			require.NoError(t, err, "a request id is the caller's own")
			listed, _, err := w.Keys(t.Context(), contract.Page{Size: 10})
			require.NoError(t, err)
			require.Len(t, listed, 2)
		})
		t.Run("it ends when it was said to", func(t *testing.T) {
			w.at = n.Expires
			_, err := calls(t, a, secret)
			requireReason(t, fault.ReasonCredentialsInvalid, err)
			_, _, err = w.RotateKey(w.operator(), k.ID, 0, "r2")
			requireReason(t, fault.ReasonAPIKeyEnded, err)
		})
	})
	w := lite(t)
	for name, tt := range map[string]struct {
		change func(*identity.NewKey)
		want   fault.Reason
	}{
		"a customer of nobody":       {func(n *identity.NewKey) { n.Roles = []auth.Role{auth.Customer} }, fault.ReasonCustomerRefused},
		"staff with a customer":      {func(n *identity.NewKey) { n.CustomerID = "cus_1" }, fault.ReasonCustomerRefused},
		"a key that ended yesterday": {func(n *identity.NewKey) { n.Expires = w.at.Add(-time.Hour) }, fault.ReasonTimePast},
	} {
		t.Run(name+" is refused", func(t *testing.T) {
			n := newKey(name)
			tt.change(&n)
			_, _, err := w.CreateKey(w.operator(), n)
			requireReason(t, tt.want, err)
		})
	}
	t.Run("a narrowed key makes and rotates no wider one", func(t *testing.T) {
		wide, _ := w.key(newKey("wide"))
		caller := auth.Caller{ID: "key_narrow", Roles: []auth.Role{auth.Operator}, Scopes: []string{"identity.v1.IdentityService", "orders.v1.OrderService/GetOrder"}}
		ctx := auth.WithCaller(t.Context(), caller)
		for want, scopes := range map[fault.Reason][][]string{
			"":                       {{"orders.v1.OrderService/GetOrder"}, {"identity.v1.IdentityService/GetMe", "identity.v1.IdentityService"}},
			fault.ReasonScopeTooWide: {nil, {"orders.v1.OrderService"}, {"orders.v1.OrderService/GetOrder", "orders.v1.OrderService/CancelOrder"}},
		} {
			for _, narrow := range scopes {
				n := newKey(time.Duration(len(w.audited())).String())
				n.Scopes = narrow
				_, _, err := w.CreateKey(ctx, n)
				require.Equal(t, want, fault.ReasonOf(err), "%v: %v", narrow, err)
			}
		}
		_, _, err := w.RotateKey(ctx, wide.ID, 0, "r")
		requireReason(t, fault.ReasonScopeTooWide, err)
	})
}

func TestRotateKey(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		k, first := w.key(newKey("r1"))
		a := w.authenticator(nil)
		rotated, second, err := w.RotateKey(w.operator(), k.ID, time.Hour, "r2")
		require.NoError(t, err)
		require.Len(t, rotated.Secrets, 2)
		_, _, err = w.RotateKey(w.operator(), k.ID, time.Hour, "r2")
		requireReason(t, fault.ReasonSecretTold, err)

		w.forward(time.Hour - time.Microsecond)
		for _, secret := range []string{first, second} {
			caller, err := calls(t, a, secret)
			require.NoError(t, err, "both are good while they overlap")
			require.Equal(t, k.ID.String(), caller.ID)
		}
		w.forward(time.Microsecond)
		_, err = calls(t, a, first)
		requireReason(t, fault.ReasonCredentialsInvalid, err)
		_, err = calls(t, a, second)
		require.NoError(t, err)

		_, third, err := w.RotateKey(w.operator(), k.ID, 2*time.Hour, "r3")
		require.NoError(t, err)
		_, fourth, err := w.RotateKey(w.operator(), k.ID, time.Minute, "r4")
		require.NoError(t, err)
		w.forward(time.Minute + 5*time.Second)
		for secret, want := range map[string]bool{first: false, second: false, third: false, fourth: true} {
			_, err := calls(t, a, secret)
			require.Equal(t, want, err == nil, "%v", err)
		}
		_, fifth, err := w.RotateKey(w.operator(), k.ID, 0, "r5")
		require.NoError(t, err)
		_, err = calls(t, w.authenticator(nil), fourth)
		requireReason(t, fault.ReasonCredentialsInvalid, err)
		_, err = calls(t, a, fifth)
		require.NoError(t, err)
	})
	t.Run("rotations at the same time each give a secret that is good", func(t *testing.T) {
		each(t, func(t *testing.T, w *world) {
			k, _ := w.key(newKey("r1"))
			secrets := make([]string, 10)
			var all sync.WaitGroup
			for i := range secrets {
				all.Go(func() { _, secrets[i], _ = w.RotateKey(w.operator(), k.ID, time.Hour, time.Duration(i).String()) })
			}
			all.Wait()
			for _, secret := range secrets {
				_, err := calls(t, w.authenticator(nil), secret)
				require.NoError(t, err)
			}
		})
	})
}

func TestRevokeKey(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		k, secret := w.key(newKey("r1"))
		_, overlapping, err := w.RotateKey(w.operator(), k.ID, time.Hour, "r2")
		require.NoError(t, err)
		first, err := w.RevokeKey(w.operator(), k.ID)
		require.NoError(t, err)
		w.forward(time.Minute)
		again, err := w.RevokeKey(w.operator(), k.ID)
		require.NoError(t, err)
		require.Equal(t, first, again)
		for _, each := range []string{secret, overlapping} {
			_, err := calls(t, w.authenticator(nil), each)
			requireReason(t, fault.ReasonCredentialsInvalid, err)
		}
		_, _, err = w.RotateKey(w.operator(), k.ID, 0, "r3")
		requireReason(t, fault.ReasonAPIKeyEnded, err)
		other := k.ID
		other.UUID[15]++
		_, err = w.RevokeKey(w.operator(), other)
		requireReason(t, fault.ReasonAPIKeyNotFound, err)
		_, _, err = w.RotateKey(w.operator(), other, 0, "r4")
		requireReason(t, fault.ReasonAPIKeyNotFound, err)
		id := k.ID.String()
		require.Equal(t, []string{
			"key_operator|identity.CreateApiKey|" + id + "|done|staff",
			"key_operator|identity.RotateApiKey|" + id + "|done|overlap 1h0m0s",
			"key_operator|identity.RevokeApiKey|" + id + "|done|",
		}, w.audited())
	})
}

func TestKeys(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		var want []string
		for _, request := range []string{"a", "b", "c", "d", "e"} {
			k, _ := w.key(newKey(request))
			want = append([]string{k.ID.String()}, want...)
			w.forward(time.Millisecond)
		}
		var got []string
		page := contract.Page{Size: 2, List: []byte("keys")}
		for {
			keys, next, err := w.Keys(t.Context(), page)
			require.NoError(t, err)
			for _, k := range keys {
				require.Len(t, k.Secrets, 1)
				got = append(got, k.ID.String())
			}
			if page.Token = next; next == "" {
				break
			}
		}
		require.Equal(t, want, got)
		_, _, err := w.Keys(t.Context(), contract.Page{Size: 2, Token: "x", List: []byte("keys")})
		requireReason(t, fault.ReasonInvalidPageToken, err)
	})
}

func TestAdminKeys(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		t.Run("of replicas that start together one makes the first key", func(t *testing.T) {
			secrets := make(chan string, 10)
			var all sync.WaitGroup
			for range cap(secrets) {
				all.Go(func() {
					secret, err := w.FirstKey(t.Context(), "first start")
					if err != nil {
						secret = err.Error()
					}
					secrets <- secret
				})
			}
			all.Wait()
			var made []string
			for range cap(secrets) {
				if secret := <-secrets; secret != "" {
					made = append(made, secret)
				}
			}
			require.Len(t, made, 1)
			caller, err := calls(t, w.authenticator(nil), made[0])
			require.NoError(t, err)
			require.Equal(t, []auth.Role{auth.Staff, auth.Operator}, caller.Roles)
		})
		t.Run("a key that is given is made once, and stays revoked", func(t *testing.T) {
			const given = "opk_abcdefghjkmn_abcdefghjkmnpqrstuvwxyz2345"
			for range 2 {
				require.NoError(t, w.GivenKey(t.Context(), given))
			}
			caller, err := calls(t, w.authenticator(nil), given)
			require.NoError(t, err)
			keyID, err := principals.ParseKeyID(caller.ID)
			require.NoError(t, err)
			_, err = w.RevokeKey(w.operator(), keyID)
			require.NoError(t, err)
			require.NoError(t, w.GivenKey(t.Context(), given))
			_, err = calls(t, w.authenticator(nil), given)
			requireReason(t, fault.ReasonCredentialsInvalid, err)
			for _, wrong := range []string{"hunter2", given + "a"} { // no key, and another one that begins alike
				requireReason(t, fault.ReasonCredentialsInvalid, w.GivenKey(t.Context(), wrong))
			}
		})
	})
}
