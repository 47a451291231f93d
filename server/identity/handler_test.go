package identity_test

import (
	"testing"
	"time"

	"buf.build/go/protovalidate"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"

	identityv1 "github.com/orderprocessing/orderprocessing/gen/identity/v1"
	policyv1 "github.com/orderprocessing/orderprocessing/gen/policy/v1"
	"github.com/orderprocessing/orderprocessing/interceptors"
	"github.com/orderprocessing/orderprocessing/server/auth"
	"github.com/orderprocessing/orderprocessing/server/fault"
	"github.com/orderprocessing/orderprocessing/server/identity"
)

func TestHandler(t *testing.T) {
	t.Run("every method has a policy", func(t *testing.T) {
		service := identityv1.File_identity_v1_identity_service_proto.Services().ByName("IdentityService")
		require.NoError(t, interceptors.CheckPolicies(service))
	})
	t.Run("a user's life, over the contract", func(t *testing.T) {
		w := lite(t)
		h := identity.NewHandler(w.Service)
		registered, err := h.RegisterUser(t.Context(), &identityv1.RegisterUserRequest{
			Email: email, Password: secret, DisplayName: "Ada", RequestId: "r1",
		})
		require.NoError(t, err)
		u := registered.GetUser()
		require.Regexp(t, "^usr_", u.GetId())
		require.Equal(t, []policyv1.Role{policyv1.Role_ROLE_CUSTOMER}, u.GetRoles())
		in, err := h.Login(t.Context(), &identityv1.LoginRequest{Email: email, Password: secret})
		require.NoError(t, err)
		require.True(t, proto.Equal(u, in.GetUser()))
		require.Equal(t, w.at.Add(10*time.Minute), in.GetTokens().GetAccessExpireTime().AsTime())
		next, err := h.RefreshToken(t.Context(), &identityv1.RefreshTokenRequest{RefreshToken: in.GetTokens().GetRefreshToken()})
		require.NoError(t, err)

		caller, err := calls(t, w.authenticator(nil), next.GetTokens().GetAccessToken())
		require.NoError(t, err)
		ctx := auth.WithCaller(t.Context(), caller)
		me, err := h.GetMe(ctx, &identityv1.GetMeRequest{})
		require.NoError(t, err)
		require.Equal(t, u.GetId(), me.GetId())
		require.Equal(t, u.GetId(), me.GetCustomerId())
		require.True(t, proto.Equal(u, me.GetUser()))
		_, err = h.ChangePassword(ctx, &identityv1.ChangePasswordRequest{OldPassword: secret, NewPassword: "another long one"})
		require.NoError(t, err)
		_, err = h.Logout(t.Context(), &identityv1.LogoutRequest{RefreshToken: next.GetTokens().GetRefreshToken()})
		require.NoError(t, err)

		assigned, err := h.AssignRole(w.operator(), &identityv1.AssignRoleRequest{
			UserId: u.GetId(), Roles: []policyv1.Role{policyv1.Role_ROLE_OPERATOR, policyv1.Role_ROLE_STAFF},
		})
		require.NoError(t, err)
		require.Equal(t, []policyv1.Role{policyv1.Role_ROLE_STAFF, policyv1.Role_ROLE_OPERATOR}, assigned.GetUser().GetRoles())
		_, err = h.GetMe(t.Context(), &identityv1.GetMeRequest{})
		require.Equal(t, fault.KindUnauthenticated, fault.KindOf(err))
	})
	t.Run("a key's life, over the contract", func(t *testing.T) {
		w := lite(t)
		h := identity.NewHandler(w.Service)
		made, err := h.CreateApiKey(w.operator(), &identityv1.CreateApiKeyRequest{
			DisplayName: "warehouse", Roles: []policyv1.Role{policyv1.Role_ROLE_STAFF}, Scopes: []string{"orders.v1.ShipmentService"}, RequestId: "r1",
		})
		require.NoError(t, err)
		caller, err := calls(t, w.authenticator(nil), made.GetSecret())
		require.NoError(t, err)
		me, err := h.GetMe(auth.WithCaller(t.Context(), caller), &identityv1.GetMeRequest{})
		require.NoError(t, err)
		require.True(t, proto.Equal(&identityv1.GetMeResponse{
			Id: made.GetApiKey().GetId(), Roles: []policyv1.Role{policyv1.Role_ROLE_STAFF}, Scopes: []string{"orders.v1.ShipmentService"},
		}, me), "%v", me)
		rotated, err := h.RotateApiKey(w.operator(), &identityv1.RotateApiKeyRequest{
			ApiKeyId: made.GetApiKey().GetId(), Overlap: durationpb.New(time.Hour), RequestId: "r2",
		})
		require.NoError(t, err)
		require.Len(t, rotated.GetApiKey().GetSecrets(), 2)
		w.forward(time.Hour)
		listed, err := h.ListApiKeys(w.operator(), &identityv1.ListApiKeysRequest{})
		require.NoError(t, err)
		require.Len(t, listed.GetApiKeys(), 1)
		require.Len(t, listed.GetApiKeys()[0].GetSecrets(), 1, "the secret before has ended")
		require.Equal(t, rotated.GetSecret()[:16], listed.GetApiKeys()[0].GetSecrets()[0].GetPrefix())
		revoked, err := h.RevokeApiKey(w.operator(), &identityv1.RevokeApiKeyRequest{ApiKeyId: made.GetApiKey().GetId()})
		require.NoError(t, err)
		require.NotNil(t, revoked.GetApiKey().GetRevokeTime())
		require.Empty(t, revoked.GetApiKey().GetSecrets())
	})
}

func TestContract(t *testing.T) {
	good := func() *identityv1.CreateApiKeyRequest {
		return &identityv1.CreateApiKeyRequest{DisplayName: "a", Roles: []policyv1.Role{policyv1.Role_ROLE_STAFF}, RequestId: "r"}
	}
	with := func(change func(*identityv1.CreateApiKeyRequest)) proto.Message {
		m := good()
		change(m)
		return m
	}
	userID := "usr_" + "01h455vb4pex5vsknk084sn02q"
	for name, tt := range map[string]struct {
		message proto.Message
		ok      bool
	}{
		"a key":                      {good(), true},
		"a key for a method":         {with(func(m *identityv1.CreateApiKeyRequest) { m.Scopes = []string{"orders.v1.OrderService/GetOrder"} }), true},
		"a key for a path":           {with(func(m *identityv1.CreateApiKeyRequest) { m.Scopes = []string{"/orders.v1.OrderService/GetOrder"} }), false},
		"a key for everything by *":  {with(func(m *identityv1.CreateApiKeyRequest) { m.Scopes = []string{"*"} }), false},
		"a key that is a service":    {with(func(m *identityv1.CreateApiKeyRequest) { m.Roles = []policyv1.Role{policyv1.Role_ROLE_SERVICE} }), false},
		"a key that is anyone":       {with(func(m *identityv1.CreateApiKeyRequest) { m.Roles = []policyv1.Role{policyv1.Role_ROLE_ANYONE} }), false},
		"a key without a role":       {with(func(m *identityv1.CreateApiKeyRequest) { m.Roles = nil }), false},
		"a role that is not there":   {with(func(m *identityv1.CreateApiKeyRequest) { m.Roles = []policyv1.Role{77} }), false},
		"a role twice":               {with(func(m *identityv1.CreateApiKeyRequest) { m.Roles = append(m.Roles, m.Roles...) }), false},
		"a short password":           {&identityv1.RegisterUserRequest{Email: email, Password: "elevenchars", RequestId: "r"}, false},
		"an unusual password":        {&identityv1.RegisterUserRequest{Email: email, Password: "пароль пароль 🔑", RequestId: "r"}, true},
		"no address":                 {&identityv1.RegisterUserRequest{Email: "ada", Password: secret, RequestId: "r"}, false},
		"a user who is a service":    {&identityv1.AssignRoleRequest{UserId: userID, Roles: []policyv1.Role{policyv1.Role_ROLE_SERVICE}}, false},
		"a user who is shut out":     {&identityv1.AssignRoleRequest{UserId: userID}, true},
		"an overlap for ever":        {&identityv1.RotateApiKeyRequest{ApiKeyId: "key_" + userID[4:], RequestId: "r", Overlap: durationpb.New(31 * 24 * time.Hour)}, false},
		"an overlap before now":      {&identityv1.RotateApiKeyRequest{ApiKeyId: "key_" + userID[4:], RequestId: "r", Overlap: durationpb.New(-time.Second)}, false},
		"a login with an old, short": {&identityv1.LoginRequest{Email: email, Password: "short"}, true},
	} {
		t.Run(name, func(t *testing.T) {
			err := protovalidate.Validate(tt.message)
			require.Equal(t, tt.ok, err == nil, "%v", err)
		})
	}
}
