#include "tests/apps/fewshot_support.hpp"

// The program itself, as a user starts it.
namespace hebb::test {
namespace {

const std::string program = HEBB_FEWSHOT;
const std::string small =
    " --dataset digits --shots 1 --draws 2 --methods vanilla,bean-2 --epochs 2 --quiet";

TEST_CASE("hebb-fewshot makes the same tables again", "[apps]") {
  const TemporaryFolder folder;
  const std::string a = folder / "a", b = folder / "b";
  const Outcome first = shell(program + small + " --output " + a);
  REQUIRE(first.code == 0);
  CHECK(contains(first.out, "bean-2"));
  CHECK(contains(first.err, "4 runs in "));
  const Outcome second = shell(program + small + " --threads 1 --output " + b);
  REQUIRE(second.code == 0);
  for (const char* name : {"/table.md", "/runs.csv"}) {
    CHECK(!text_of(a + name).empty());
    CHECK(text_of(a + name) == text_of(b + name));
  }
  const Outcome again = shell(program + small + " --output " + a);
  CHECK(contains(again.err, "0 runs in "));
  CHECK(again.out == first.out);
}

TEST_CASE("Wrong flags of hebb-fewshot end in one line and exit code 2", "[apps]") {
  for (const char* flags :
       {"--frobnicate", "--shots 0", "--shots one", "--draws 0", "--methods vanilla,foo",
        "--dataset letters", "--protocol unfair", "--checkpoint best", "--init cauchy",
        "--batch-size 0", "--value bean-1", "--value dropout=1", "--value gaussian-process=1",
        "--table1 --dataset mnist", "--tune --table1", "--threads 0", "--gp-starts 0",
        "--checkpoint best-validation --validation-set none", "--fidelity-high 0"}) {
    const Outcome outcome = shell(program + " --output '' " + flags);
    INFO(flags << ": " << outcome.err);
    CHECK(outcome.code == 2);
    CHECK(outcome.out.empty());
    CHECK(std::ranges::count(outcome.err, '\n') == 1);
  }
}

TEST_CASE("Two ranks make the table of one", "[apps]") {
  if (shell("mpirun --version").code != 0 || !HEBB_WITH_MPI)
    return skip("no mpirun here, or built without MPI");
  const TemporaryFolder folder;
  const std::string a = folder / "a", b = folder / "b";
  const Outcome one = shell(program + small + " --output " + a);
  const Outcome two = shell(
      "OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 "
      "mpirun --oversubscribe -n 2 " +
      program + small + " --output " + b);
  INFO(two.err);
  REQUIRE(two.code == 0);
  CHECK(contains(two.err, "4 runs in "));
  CHECK(two.out.substr(0, two.out.find("In ")) == one.out.substr(0, one.out.find("In ")));
  for (const char* name : {"/table.md", "/runs.csv"}) CHECK(text_of(a + name) == text_of(b + name));
}

}  // namespace
}  // namespace hebb::test
