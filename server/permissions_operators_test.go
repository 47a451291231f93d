package server_test

import (
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	identityv1 "github.com/orderprocessing/orderprocessing/gen/identity/v1"
	operationsv1 "github.com/orderprocessing/orderprocessing/gen/operations/v1"
	policyv1 "github.com/orderprocessing/orderprocessing/gen/policy/v1"
	"github.com/orderprocessing/orderprocessing/server/flags"
	"github.com/orderprocessing/orderprocessing/server/workflow"
)

// password is that of every user of the examples.
const password = "correct horse battery"

// ofOperators are the examples of those who run the system and of those who log in.
func (e *examples) ofOperators() map[protoreflect.FullName]func() proto.Message {
	waiting := e.order(false).GetId()
	return map[protoreflect.FullName]func() proto.Message{
		"operations.v1.OperationsService.ListShards":      func() proto.Message { return &operationsv1.ListShardsRequest{} },
		"operations.v1.OperationsService.GetShardMap":     func() proto.Message { return &operationsv1.GetShardMapRequest{} },
		"operations.v1.OperationsService.VerifyIntegrity": func() proto.Message { return &operationsv1.VerifyIntegrityRequest{} },
		"operations.v1.OperationsService.ListStuckSagas":  func() proto.Message { return &operationsv1.ListStuckSagasRequest{} },
		"operations.v1.OperationsService.GetSaga": func() proto.Message {
			return &operationsv1.GetSagaRequest{Subject: waiting, Saga: workflow.Place}
		},
		"operations.v1.OperationsService.RetrySaga": func() proto.Message {
			return &operationsv1.RetrySagaRequest{Subject: waiting, Saga: workflow.Place}
		},
		"operations.v1.OperationsService.ListFlags": func() proto.Message { return &operationsv1.ListFlagsRequest{} },
		"operations.v1.OperationsService.SetFlag": func() proto.Message {
			return &operationsv1.SetFlagRequest{Key: flags.Amendments, Enabled: new(true)}
		},
		"identity.v1.IdentityService.RegisterUser": func() proto.Message { return e.registration() },
		"identity.v1.IdentityService.Login": func() proto.Message {
			return &identityv1.LoginRequest{Email: e.user().GetEmail(), Password: password}
		},
		"identity.v1.IdentityService.RefreshToken": func() proto.Message {
			return &identityv1.RefreshTokenRequest{RefreshToken: e.refreshToken()}
		},
		"identity.v1.IdentityService.Logout": func() proto.Message {
			return &identityv1.LogoutRequest{RefreshToken: e.refreshToken()}
		},
		"identity.v1.IdentityService.ChangePassword": func() proto.Message {
			return &identityv1.ChangePasswordRequest{OldPassword: password, NewPassword: password}
		},
		"identity.v1.IdentityService.GetMe": func() proto.Message { return &identityv1.GetMeRequest{} },
		"identity.v1.IdentityService.AssignRole": func() proto.Message {
			return &identityv1.AssignRoleRequest{UserId: e.user().GetId(), Roles: []policyv1.Role{policyv1.Role_ROLE_STAFF}}
		},
		"identity.v1.IdentityService.CreateApiKey": func() proto.Message { return e.newKey() },
		"identity.v1.IdentityService.ListApiKeys":  func() proto.Message { return &identityv1.ListApiKeysRequest{} },
		"identity.v1.IdentityService.RotateApiKey": func() proto.Message {
			return &identityv1.RotateApiKeyRequest{ApiKeyId: e.key(), RequestId: e.requestID()}
		},
		"identity.v1.IdentityService.RevokeApiKey": func() proto.Message { return &identityv1.RevokeApiKeyRequest{ApiKeyId: e.key()} },
	}
}

func (e *examples) registration() *identityv1.RegisterUserRequest {
	requestID := e.requestID()
	return &identityv1.RegisterUserRequest{Email: requestID + "@example.com", Password: password, RequestId: requestID}
}

// user gives a new user.
func (e *examples) user() *identityv1.User {
	e.t.Helper()
	registered, err := e.s.Identity.RegisterUser(e.t.Context(), e.registration())
	require.NoError(e.t, err)
	return registered.GetUser()
}

// refreshToken gives one that is good once.
func (e *examples) refreshToken() string {
	e.t.Helper()
	in, err := e.s.Identity.Login(e.t.Context(), &identityv1.LoginRequest{Email: e.member.GetEmail(), Password: password})
	require.NoError(e.t, err)
	return in.GetTokens().GetRefreshToken()
}

func (e *examples) newKey() *identityv1.CreateApiKeyRequest {
	return &identityv1.CreateApiKeyRequest{DisplayName: "till", Roles: []policyv1.Role{policyv1.Role_ROLE_STAFF}, RequestId: e.requestID()}
}

// key gives the id of a new API key.
func (e *examples) key() string {
	e.t.Helper()
	created, err := e.s.Identity.CreateApiKey(e.t.Context(), e.newKey())
	require.NoError(e.t, err)
	return created.GetApiKey().GetId()
}
