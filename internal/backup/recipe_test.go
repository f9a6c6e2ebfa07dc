package backup

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"filippo.io/age"
	"github.com/klauspost/compress/zstd"
)

// TestMain is also the commands age and zstd, as far as the recipe uses them, so that it is tested where they are not installed;
// and the process that TestKill kills.
func TestMain(m *testing.M) {
	var err error
	switch os.Getenv("FANFARE_BACKUP_COMMAND") {
	case "age":
		err = ageCommand(os.Args[1:])
	case "zstd":
		var d *zstd.Decoder
		if d, err = zstd.NewReader(os.Stdin); err == nil {
			_, err = io.Copy(os.Stdout, d)
		}
	case "victim":
		var v victim
		if err = json.Unmarshal([]byte(os.Args[1]), &v); err == nil {
			err = v.do(context.Background())
		}
	default:
		os.Exit(m.Run())
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}

// ageCommand is age -d -i <identities> <file>.
func ageCommand(args []string) error {
	if len(args) != 4 || args[0] != "-d" || args[1] != "-i" {
		return fmt.Errorf("age: %v", args)
	}
	keys, err := os.Open(args[2])
	if err != nil {
		return err
	}
	identities, err := age.ParseIdentities(keys)
	if err != nil {
		return err
	}
	in, err := os.Open(args[3])
	if err != nil {
		return err
	}
	plain, err := age.Decrypt(in, identities...)
	if err != nil {
		return err
	}
	_, err = io.Copy(os.Stdout, plain)
	return err
}

// TestRecipe restores with the script of docs/backup-format.md, which knows nothing of this package.
func TestRecipe(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../../docs/backup-format.md")
	if err != nil {
		t.Fatal(err)
	}
	match := regexp.MustCompile("(?s)```sh\n(.*?)```").FindSubmatch(page)
	if match == nil {
		t.Fatal("the page has no script")
	}
	script := filepath.Join(t.TempDir(), "restore.sh")
	if err := os.WriteFile(script, match[1], 0o600); err != nil {
		t.Fatal(err)
	}
	commands := t.TempDir()
	for _, command := range []string{"age", "zstd"} {
		if _, err := exec.LookPath(command); err == nil {
			continue
		}
		shim := fmt.Sprintf("#!/bin/sh\nFANFARE_BACKUP_COMMAND=%s exec '%s' \"$@\"\n", command, os.Args[0])
		if err := os.WriteFile(filepath.Join(commands, command), []byte(shim), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for _, encrypted := range []bool{false, true} {
		f := setup(t, encrypted)
		f.fill()
		first, id := f.write(WriteOptions{})
		f.put("one", []byte("changed"))
		f.put("it's $(odd) `odd`", []byte("odd"))
		second, id := f.write(WriteOptions{Previous: f.manifest(id, first.ManifestSHA256)})
		run := func(out, sum string) (string, error) {
			args := []string{script, filepath.Join(f.objects, f.Prefix), id.String(), sum, out}
			if encrypted {
				key := filepath.Join(t.TempDir(), "identity")
				if err := os.WriteFile(key, []byte(f.identity.String()+"\n"), 0o600); err != nil {
					t.Fatal(err)
				}
				args = append(args, key)
			}
			command := exec.CommandContext(t.Context(), "sh", args...)
			command.Env = append(os.Environ(), "PATH="+commands+":"+os.Getenv("PATH"))
			said, err := command.CombinedOutput()
			return string(said), err
		}
		out := filepath.Join(t.TempDir(), "out")
		if said, err := run(out, second.ManifestSHA256); err != nil {
			t.Fatalf("%v: %s", err, said)
		}
		same(t, f.files, filepath.Join(out, "shared"))
		if said, err := run(filepath.Join(t.TempDir(), "out"), strings.Repeat("0", 64)); err == nil {
			t.Errorf("a wrong SHA-256 of the manifest was taken: %s", said)
		}
		m := f.manifest(id, second.ManifestSHA256)
		f.object(f.Prefix+m.segments[1].Segment, []byte("damaged"))
		if said, err := run(filepath.Join(t.TempDir(), "out"), second.ManifestSHA256); err == nil || !strings.Contains(said, m.segments[1].Segment) {
			t.Errorf("a damaged segment: %v, %s", err, said)
		}
	}
}
