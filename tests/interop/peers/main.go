// Peers of Signboard for its tests: an OCI 1.1 registry (olareg) to serve, and notation-go to sign and to verify.
//
//	peers serve ADDRESS [no-referrers]   serve an empty registry in memory on ADDRESS
//	peers ask                            answer one JSON question a line on standard input with one JSON line
//	peers oracle                         judge one signature a line, without a registry (oracle.go)
//	peers time                           how long notation takes for the signatures of a line (oracle.go)
//	peers walk ADDRESS                   fetch everything in the repositories named on standard input (walk.go)
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/notaryproject/notation-go"
	"github.com/notaryproject/notation-go/dir"
	"github.com/notaryproject/notation-go/registry"
	"github.com/notaryproject/notation-go/signer"
	"github.com/notaryproject/notation-go/verifier"
	"github.com/notaryproject/notation-go/verifier/trustpolicy"
	"github.com/notaryproject/notation-go/verifier/truststore"
	"github.com/olareg/olareg"
	"github.com/olareg/olareg/config"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"oras.land/oras-go/v2/registry/remote"
)

type question struct {
	Do           string            `json:"do"` // "sign", "verify", "referrers", "save", "load", "referrersInLayout" or "revoked"
	Repository   string            `json:"repository"`
	Reference    string            `json:"reference"` // a digest or tag in Repository
	Scope        string            `json:"scope"`     // what the policy calls Repository
	Key          string            `json:"key"`
	Chain        string            `json:"chain"`
	MediaType    string            `json:"mediaType"`
	Expiry       float64           `json:"expiry"` // seconds
	UserMetadata map[string]string `json:"userMetadata"`
	ReferrersTag bool              `json:"referrersTag"` // write the tag schema, as notation 1.3 does by default
	Config       string            `json:"config"`       // notation's configuration folder: truststore/x509/...
	Policy       json.RawMessage   `json:"policy"`
	Layout       string            `json:"layout"`       // an OCI layout: a folder, or a .tar that is only read
	Certificates [][]byte          `json:"certificates"` // "revoked": a chain, leaf first
	Places       places            `json:"places"`       // what lies where
	SignedAt     string            `json:"signedAt"`
}

type check struct {
	Type   string `json:"type"`
	Action string `json:"action"`
	Error  string `json:"error"`
}

type verdict struct {
	Digest   string  `json:"digest"`
	Verified bool    `json:"verified"`
	Error    string  `json:"error"`
	Checks   []check `json:"checks"`
}

type answer struct {
	Digest     string    `json:"digest,omitempty"`
	Verified   bool      `json:"verified"`
	Error      string    `json:"error,omitempty"`
	Signatures []verdict `json:"signatures,omitempty"`
	Referrers  []string  `json:"referrers,omitempty"`
	Standings  []string  `json:"standings,omitempty"`
}

func main() {
	if len(os.Args) >= 3 && os.Args[1] == "serve" {
		serve(os.Args[2], len(os.Args) == 3)
		return
	}
	if len(os.Args) == 3 && os.Args[1] == "walk" {
		exitOn(walk(os.Args[2]))
		return
	}
	if modes := map[string]func() error{"oracle": answerSpecimens, "time": timeSpecimens}; len(os.Args) == 2 && modes[os.Args[1]] != nil {
		exitOn(modes[os.Args[1]]())
		return
	}
	if len(os.Args) != 2 || os.Args[1] != "ask" {
		fmt.Fprintln(os.Stderr, "usage: peers serve ADDRESS [no-referrers] | peers ask | peers oracle | peers time | peers walk ADDRESS")
		os.Exit(2)
	}
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 16<<20)
	out := json.NewEncoder(os.Stdout)
	for lines.Scan() {
		var q question
		var a answer
		err := json.Unmarshal(lines.Bytes(), &q)
		if err == nil {
			a, err = reply(q)
		}
		if err != nil {
			a.Error = err.Error()
		}
		if err := out.Encode(a); err != nil {
			os.Exit(1)
		}
	}
}

func serve(address string, referrers bool) {
	server := olareg.New(config.Config{
		HTTP:    config.ConfigHTTP{Addr: address},
		Storage: config.ConfigStorage{StoreType: config.StoreMem, GC: config.ConfigGC{Frequency: -1}},
		API:     config.ConfigAPI{Referrer: config.ConfigAPIReferrer{Enabled: &referrers}},
	})
	exitOn(server.Run(context.Background()))
}

func exitOn(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func reply(q question) (answer, error) {
	if q.Do == "revoked" {
		return revoked(q)
	}
	repository, err := remote.NewRepository(q.Repository)
	if err != nil {
		return answer{}, err
	}
	repository.PlainHTTP = true
	repository.SkipReferrersGC = true // the registry refuses deletion
	if q.ReferrersTag {
		if err := repository.SetReferrersCapability(false); err != nil {
			return answer{}, err
		}
	}
	switch q.Do {
	case "sign":
		return sign(q, repository)
	case "verify":
		return verify(q, repository)
	case "referrers":
		return referrers(q, repository)
	case "save":
		return save(q, repository)
	case "load":
		return load(q, repository)
	case "referrersInLayout":
		return referrersInLayout(q)
	}
	return answer{}, errors.New("nothing to do")
}

func sign(q question, repository *remote.Repository) (answer, error) {
	local, err := signer.NewFromFiles(q.Key, q.Chain)
	if err != nil {
		return answer{}, err
	}
	options := notation.SignOptions{
		SignerSignOptions: notation.SignerSignOptions{
			SignatureMediaType: q.MediaType,
			ExpiryDuration:     time.Duration(q.Expiry * float64(time.Second)),
		},
		ArtifactReference: q.Reference,
		UserMetadata:      q.UserMetadata,
	}
	descriptor, err := notation.Sign(context.Background(), local, registry.NewRepository(repository), options)
	return answer{Digest: descriptor.Digest.String()}, err
}

// verify asks notation-go of the artifact as a whole, then of each signature alone.
func verify(q question, repository *remote.Repository) (answer, error) {
	ctx := context.Background()
	var document trustpolicy.Document
	if err := json.Unmarshal(q.Policy, &document); err != nil {
		return answer{}, err
	}
	judge, err := verifier.New(&document, truststore.NewX509TrustStore(dir.NewSysFS(q.Config)), nil)
	if err != nil {
		return answer{}, err
	}
	remoteRepository := registry.NewRepository(repository)
	target, err := remoteRepository.Resolve(ctx, q.Reference)
	if err != nil {
		return answer{}, err
	}
	reference := q.Scope + "@" + target.Digest.String()
	result := answer{Digest: target.Digest.String()}
	err = remoteRepository.ListSignatures(ctx, target, func(manifests []ocispec.Descriptor) error {
		for _, manifest := range manifests {
			result.Signatures = append(result.Signatures, alone(ctx, judge, remoteRepository, target, manifest, reference))
		}
		return nil
	})
	if err != nil {
		return result, err
	}
	for _, one := range result.Signatures {
		result.Verified = result.Verified || one.Verified
	}
	return result, nil
}

func alone(ctx context.Context, judge notation.Verifier, repository registry.Repository, target, manifest ocispec.Descriptor, reference string) verdict {
	result := verdict{Digest: manifest.Digest.String()}
	envelope, descriptor, err := repository.FetchSignatureBlob(ctx, manifest)
	if err != nil {
		result.Error = err.Error()
		return result
	}
	outcome, err := judge.Verify(ctx, target, envelope, notation.VerifierVerifyOptions{
		ArtifactReference:  reference,
		SignatureMediaType: descriptor.MediaType,
	})
	result.Verified = err == nil
	if err != nil {
		result.Error = err.Error()
	}
	if outcome != nil {
		for _, one := range outcome.VerificationResults {
			item := check{Type: string(one.Type), Action: string(one.Action)}
			if one.Error != nil {
				item.Error = one.Error.Error()
			}
			result.Checks = append(result.Checks, item)
		}
	}
	return result
}

func referrers(q question, repository *remote.Repository) (answer, error) {
	ctx := context.Background()
	target, err := repository.Resolve(ctx, q.Reference)
	if err != nil {
		return answer{}, err
	}
	result := answer{Digest: target.Digest.String()}
	err = repository.Referrers(ctx, target, "", func(descriptors []ocispec.Descriptor) error {
		for _, descriptor := range descriptors {
			result.Referrers = append(result.Referrers, descriptor.Digest.String())
		}
		return nil
	})
	return result, err
}
