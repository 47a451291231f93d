package identity

import (
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	identityv1 "github.com/orderprocessing/orderprocessing/gen/identity/v1"
	policyv1 "github.com/orderprocessing/orderprocessing/gen/policy/v1"
	"github.com/orderprocessing/orderprocessing/server/auth"
	"github.com/orderprocessing/orderprocessing/server/store/principals"
)

func registrationFromProto(m *identityv1.RegisterUserRequest) Registration {
	return Registration{
		Email: m.GetEmail(), Password: m.GetPassword(), Name: m.GetDisplayName(), CustomerID: m.GetCustomerId(),
		RequestID: m.GetRequestId(),
	}
}

func newKeyFromProto(m *identityv1.CreateApiKeyRequest) NewKey {
	n := NewKey{
		Name: m.GetDisplayName(), Roles: rolesFromProto(m.GetRoles()), Scopes: m.GetScopes(), CustomerID: m.GetCustomerId(),
		RequestID: m.GetRequestId(),
	}
	if m.GetExpireTime() != nil {
		n.Expires = m.GetExpireTime().AsTime().Truncate(time.Microsecond)
	}
	return n
}

// rolesFromProto gives roles in their order. The numbers are the same.
func rolesFromProto(roles []policyv1.Role) []auth.Role {
	converted := make([]auth.Role, len(roles))
	for i, role := range roles {
		converted[i] = auth.Role(role) //nolint:gosec // validated against the contract
	}
	return auth.Normal(converted)
}

func rolesToProto(roles []auth.Role) []policyv1.Role {
	converted := make([]policyv1.Role, len(roles))
	for i, role := range roles {
		converted[i] = policyv1.Role(role)
	}
	return converted
}

func userToProto(u principals.User) *identityv1.User {
	return &identityv1.User{
		Id: u.ID.String(), Email: u.Email, DisplayName: u.Name, Roles: rolesToProto(u.Roles), CustomerId: u.CustomerID,
		CreateTime: timestamppb.New(u.Created), UpdateTime: timestamppb.New(u.Updated),
	}
}

func meToProto(me Me) *identityv1.GetMeResponse {
	res := &identityv1.GetMeResponse{
		Id: me.Caller.ID, Roles: rolesToProto(me.Caller.Roles), CustomerId: me.Caller.CustomerID, Scopes: me.Caller.Scopes,
	}
	if me.User != nil {
		res.User = userToProto(*me.User)
	}
	return res
}

func tokensToProto(t Tokens) *identityv1.Tokens {
	return &identityv1.Tokens{
		AccessToken: t.Access, AccessExpireTime: timestamppb.New(t.AccessExpires),
		RefreshToken: t.Refresh, RefreshExpireTime: timestamppb.New(t.RefreshExpires),
	}
}

// keyToProto shows a key, with the secrets that are good now.
func keyToProto(k principals.Key, now time.Time) *identityv1.ApiKey {
	m := &identityv1.ApiKey{
		Id: k.ID.String(), DisplayName: k.Name, Roles: rolesToProto(k.Roles), Scopes: k.Scopes, CustomerId: k.CustomerID,
		ExpireTime: timeToProto(k.Expires), RevokeTime: timeToProto(k.Revoked), LastUseTime: timeToProto(k.LastUsed),
		CreateTime: timestamppb.New(k.Created),
	}
	for _, secret := range k.Secrets {
		if k.Stands(now) && secret.Stands(now) {
			m.Secrets = append(m.Secrets, &identityv1.ApiKeySecret{
				Prefix: secret.Prefix, CreateTime: timestamppb.New(secret.Created), ExpireTime: timeToProto(secret.Expires),
			})
		}
	}
	return m
}

// timeToProto writes a time; the zero time is none.
func timeToProto(t time.Time) *timestamppb.Timestamp {
	if t.IsZero() {
		return nil
	}
	return timestamppb.New(t)
}
