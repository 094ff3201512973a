package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"runtime"
	"syscall"
	"time"

	"github.com/notaryproject/notation-go"
	"github.com/notaryproject/notation-go/dir"
	"github.com/notaryproject/notation-go/verifier"
	"github.com/notaryproject/notation-go/verifier/trustpolicy"
	"github.com/notaryproject/notation-go/verifier/truststore"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// specimen is one signature with everything that notation judges it by; the oracle needs no registry.
type specimen struct {
	Envelope  []byte             `json:"envelope"`
	MediaType string             `json:"mediaType"`
	Policy    []byte             `json:"policy"` // as bytes: not every document is JSON
	Config    string             `json:"config"` // notation's configuration folder: truststore/x509/...
	Reference string             `json:"reference"`
	Target    ocispec.Descriptor `json:"target"`
	Metadata  map[string]string  `json:"metadata"`
}

type judgement struct {
	Policy   string  `json:"policy"`  // why the document was refused
	Skipped  bool    `json:"skipped"` // the statement says so
	Verified bool    `json:"verified"`
	Error    string  `json:"error"`
	Level    string  `json:"level"`
	Checks   []check `json:"checks"`
}

// answerSpecimens answers one line for each line, in order; many lines may be written ahead.
func answerSpecimens() error {
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 64<<20)
	buffered := bufio.NewWriter(os.Stdout)
	out := json.NewEncoder(buffered)
	for lines.Scan() {
		var s specimen
		if err := json.Unmarshal(lines.Bytes(), &s); err != nil {
			return err
		}
		if err := out.Encode(judgeSpecimen(s)); err != nil {
			return err
		}
	}
	return errors.Join(lines.Err(), buffered.Flush())
}

// answerPolicies answers for each line, a policy document as a JSON string of base64, why notation refuses it, or "".
func answerPolicies() error {
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 64<<20)
	out := json.NewEncoder(os.Stdout)
	for lines.Scan() {
		var policy []byte
		if err := json.Unmarshal(lines.Bytes(), &policy); err != nil {
			return err
		}
		refused := ""
		if _, err := newJudge(policy, memory{}); err != nil {
			refused = err.Error()
		}
		if err := out.Encode(refused); err != nil {
			return err
		}
	}
	return lines.Err()
}

func judgeSpecimen(s specimen) (result judgement) {
	result.Checks = []check{}
	judge, err := newJudge(s.Policy, truststore.NewX509TrustStore(dir.NewSysFS(s.Config)))
	if err != nil {
		result.Policy = err.Error()
		return result
	}
	options := notation.VerifierVerifyOptions{
		ArtifactReference:  s.Reference,
		SignatureMediaType: s.MediaType,
		UserMetadata:       s.Metadata,
	}
	defer func() {
		if crash := recover(); crash != nil {
			result.Error = fmt.Sprint("notation panics: ", crash)
		}
	}()
	outcome, err := judge.Verify(context.Background(), s.Target, s.Envelope, options)
	if err != nil {
		result.Error = err.Error()
	}
	if outcome == nil {
		return result
	}
	result.Level = outcome.VerificationLevel.Name
	result.Skipped = outcome.VerificationLevel.Name == trustpolicy.LevelSkip.Name
	result.Verified = err == nil && !result.Skipped
	for _, one := range outcome.VerificationResults {
		item := check{Type: string(one.Type), Action: string(one.Action)}
		if one.Error != nil {
			item.Error = "failed: " + one.Error.Error() // an error may have an empty text
		}
		result.Checks = append(result.Checks, item)
	}
	return result
}

// newJudge reads the document as notation's command does: the first JSON value counts.
func newJudge(policy []byte, stores truststore.X509TrustStore) (notation.Verifier, error) {
	var document trustpolicy.Document
	if err := json.NewDecoder(bytes.NewReader(policy)).Decode(&document); err != nil {
		return nil, err
	}
	return verifier.New(&document, stores, nil)
}

// memory is a trust store that was read beforehand, so that the clock sees no file.
type memory map[string][]*x509.Certificate

func (m memory) GetCertificates(_ context.Context, kind truststore.Type, name string) ([]*x509.Certificate, error) {
	return m[string(kind)+":"+name], nil
}

type race struct {
	Specimens []specimen          `json:"specimens"` // of one policy
	Stores    map[string][][]byte `json:"stores"`
}

// timeSpecimens prints for each line how many seconds of one core notation takes to verify its specimens.
func timeSpecimens() error {
	runtime.GOMAXPROCS(1)
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 256<<20)
	for lines.Scan() {
		var r race
		if err := json.Unmarshal(lines.Bytes(), &r); err != nil {
			return err
		}
		stores := memory{}
		for name, certificates := range r.Stores {
			for _, der := range certificates {
				certificate, err := x509.ParseCertificate(der)
				if err != nil {
					return err
				}
				stores[name] = append(stores[name], certificate)
			}
		}
		judge, err := newJudge(r.Specimens[0].Policy, stores)
		if err != nil {
			return err
		}
		began := spent()
		for _, s := range r.Specimens {
			options := notation.VerifierVerifyOptions{ArtifactReference: s.Reference, SignatureMediaType: s.MediaType}
			if _, err := judge.Verify(context.Background(), s.Target, s.Envelope, options); err != nil {
				return err
			}
		}
		fmt.Println((spent() - began).Seconds())
	}
	return lines.Err()
}

// spent is the CPU time of this process, its garbage collector included.
func spent() time.Duration {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		panic(err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}
