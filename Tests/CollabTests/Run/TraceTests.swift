import Collab
import CollabTesting
import Foundation
import Testing

@Suite("A trace")
struct TraceTests {
    /// A trace with a route, a cascade, a debate and a failure, at a standing clock.
    private func trace() async throws -> Trace {
        let pipeline = Pipeline {
            Route(by: ExampleRouter(["sums": ["What is 3 + 4?"], "facts": ["Who wrote Faust?"]])) {
                Team("sums") {
                    debater("small", ScriptedAnswer("It is \"41\"\nperhaps", probability: 0.5), "42")
                    debater("large", ScriptedAnswer("42", probability: 0.6)).failing(on: 2)
                }
                Team("facts") { debater("other", "Goethe") }
            }
            Cascade(until: .confidence(above: 0.8))
            Debate(rounds: 2, answers: .numeric)
        }
        let run = Run(seed: 7, clock: VirtualClock())
        return try #require(try await pipeline.respond(to: "What is 17 + 25?", in: run).trace)
    }

    @Test("prints as a tree")
    func tree() async throws {
        let expected = """
            pipeline  4 calls · 48 + 5 tokens · 0 ms
            ├── route by examples  0 ms
            │       → sums  sums has the highest similarity to its examples, 1.0
            │         sums 1 · facts 0.048  (threshold 0.05)
            ├── cascade  2 calls · 10 + 4 tokens · 0 ms
            │   │   accepted: no: no answer met “mean token probability above 0.8”
            │   │   → nobody  small: mean token probability 0.5 is not above 0.8; \
            large: mean token probability 0.6 is not above 0.8
            │   │     small 0.5 · large 0.6  (threshold 0.8)
            │   ├── small  5 + 3 tokens · 0 ms
            │   │       “It is "41"⏎perhaps”
            │   └── large  5 + 1 tokens · 0 ms
            │           “42”
            └── debate  2 calls · 38 + 1 tokens · 0 ms · confidence 1
                │   changed: small, round 1: 41 → 42
                │   votes: 42 ×2
                │   ended by: unanimity, after round 1
                │   → 42  plurality after unanimity: 42 ×2
                │     42 2
                ├── opening  0 ms
                │       small: 41
                │       large: 42
                │       taken over: small, large
                └── round 1  2 calls · 38 + 1 tokens · 0 ms
                    │   small: 41 → 42  (heard large)
                    │   failed: large: serverError
                    ├── small  38 + 1 tokens · 0 ms
                    │       “42”
                    └── large  0 ms
                            ✗ serverError: An injected failure.
            """
        // Members who speak side by side begin in either order.
        let description = try await trace().description
        let trees = [expected, expected.replacingLargeFirst()]
        #expect(trees.contains(description), "\(description)")
    }

    @Test("has colours only where they are asked for")
    func styled() async throws {
        let trace = try await trace()
        #expect(!trace.description.contains("\u{1b}"))
        #expect(trace.styled.contains("\u{1b}[1mpipeline\u{1b}[0m"))
        let stripped = trace.styled.replacing(try Regex("\u{1b}\\[[0-9]+m"), with: "")
        #expect(stripped == trace.description)
    }

    @Test("never hands a model's control characters to the terminal")
    func controlCharacters() async throws {
        let answer = try await ScriptedModel("m", always: "a\u{1b}[2Jb\u{7}").respond(to: "?")
        let text = try #require(answer.trace?.description)
        #expect(!text.contains("\u{1b}"))
        #expect(text.contains("“a[2Jb”"))
    }

    @Test("survives being written as JSON and read again")
    func json() async throws {
        let trace = try await trace()
        let data = try JSONEncoder().encode(trace)
        let copy = try JSONDecoder().decode(Trace.self, from: data)
        #expect(copy.description == trace.description)
        #expect(copy.nodes.map(\.request) == trace.nodes.map(\.request))
        #expect(copy.nodes.flatMap(\.turns) == trace.nodes.flatMap(\.turns))
        #expect(copy.usage == trace.usage)
    }

    @Test("is drawn as a flow chart in which nothing breaks out of its label")
    func mermaid() async throws {
        let lines = try await trace().mermaid.split(separator: "\n")
        #expect(lines[0] == "flowchart TD")
        #expect(lines.contains("    n0 --> n1"))
        #expect(lines.contains { $0.contains("([\"small<br/>“It is #quot;41#quot; perhaps”\"])") })
        #expect(lines.contains { $0.hasPrefix("    class n") && $0.hasSuffix(" failed") })
        for line in lines where line.contains("[") { #expect(line.count { $0 == "\"" } == 2) }
    }

    @Test("is the fold of its events")
    func events() async throws {
        let run = Run()
        let events = run.events
        let debate = Debate(rounds: 1, answers: .numeric) {
            debater("a", "1"); debater("b", "2", "1")
        }
        let collector = Task {
            var names: [(node: Int, name: String)] = []
            var turns: [Turn] = []
            for await event in events {
                if case .started(_, let name) = event.kind { names.append((event.node, name)) }
                if case .spoke(let turn) = event.kind { turns.append(turn) }
                if case .finished = event.kind, event.node == 0 { break }
            }
            return (names, turns)
        }
        let trace = try #require(try await debate.respond(to: "?", in: run).trace)
        let (names, turns) = await collector.value
        // Those who speak side by side may be announced in either order.
        let announced = names.sorted { $0.node < $1.node }.map(\.name)
        #expect(announced == trace.nodes.sorted { $0.id < $1.id }.map(\.name))
        #expect(turns == trace.nodes.flatMap(\.turns))
    }
}

extension String {
    /// The tree in which the failing member of the last round began first.
    fileprivate func replacingLargeFirst() -> String {
        replacing(
            """
                    ├── small  38 + 1 tokens · 0 ms
                    │       “42”
                    └── large  0 ms
                            ✗ serverError: An injected failure.
            """,
            with: """
                        ├── large  0 ms
                        │       ✗ serverError: An injected failure.
                        └── small  38 + 1 tokens · 0 ms
                                “42”
                """
        )
    }
}
