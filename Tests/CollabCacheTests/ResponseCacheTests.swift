import Collab
import CollabCache
import CollabTesting
import Foundation
import Testing

@Suite("A cache of responses")
struct ResponseCacheTests {
    private let place = TemporaryPlace()

    @Test("answers an equal question without asking, and says that it cost nothing")
    func hit() async throws {
        let cache = try ResponseCache(path: place.path)
        let price = Price(promptPerMillion: 1_000_000, completionPerMillion: 1_000_000)
        let scripted = ScriptedModel("small", always: "forty two")
        let model = scripted.priced(price).cached(in: cache)
        let first = try await model.respond(to: "What is 17 + 25?")
        #expect(first.usage.calls == 1)
        #expect(first.usage.cost > .zero)

        // A run without any budget can still be answered from the cache.
        let run = Run(budget: .calls(0))
        let second = try await model.respond(to: "What is 17 + 25?", in: run)
        #expect(second.text == "forty two")
        #expect(second.usage == Usage())
        #expect(run.usage == Usage())
        #expect(scripted.callCount == 1)
        let row = try #require(second.trace?.ledger.first)
        #expect(row.billing == .cached)
        #expect(row.usage == Usage())
        #expect(second.trace?.calls.first?.note("answer") == "of the cache; it took 7 tokens once")
        #expect(cache.statistics.hits == 1)
        #expect(cache.statistics.misses == 1)
    }

    @Test("outlives the process: what was stored is there when the file is opened again")
    func reopened() async throws {
        let first = Response(
            text: "yes",
            model: "small",
            tokens: [GeneratedToken(id: 7, bytes: Array("yes".utf8), logprob: -.infinity)]
        )
        do {
            let cache = try ResponseCache(path: place.path)
            _ = try await Fixed(response: first).cached(in: cache).respond(to: "Is it?")
        }
        let again = try ResponseCache(path: place.path)
        let other = Fixed(response: Response(text: "no", model: "small"))
        let answer = try await other.cached(in: again).respond(to: "Is it?")
        #expect(answer.text == "yes")
        // An infinite log-probability survives JSON.
        #expect(answer.tokens == first.tokens)
    }

    @Test("holds no key that a server has quoted, in answers or in questions, and finds them all the same")
    func quotedKeys() async throws {
        let key = "sk-quoted-cache-6f1d0c9b8a7e"
        let quoting = Response(text: "You sent \(key).", model: "small")
        QuotedKeys.look(for: [key], in: quoting)
        let cache = try ResponseCache(path: place.path)
        let model = Fixed(response: quoting).cached(in: cache)
        #expect(try await model.respond(to: "Is it \(key)?").text == quoting.text)
        #expect(try await model.respond(to: "Is it \(key)?").text == "You sent [redacted].")
        #expect(cache.statistics.hits == 1)
        var bytes = Data()
        for side in ["", "-wal"] {
            bytes += (try? Data(contentsOf: URL(filePath: place.path + side))) ?? Data()
        }
        #expect(bytes.firstRange(of: Data("[redacted]".utf8)) != nil)
        #expect(bytes.firstRange(of: Data(key.utf8)) == nil)
    }

    @Test("keeps apart samples, options, models and identities")
    func keys() async throws {
        let cache = try ResponseCache(path: place.path)
        let scripted = ScriptedModel("small") { (_, call) throws(CollabError) in ScriptedAnswer("\(call)") }
        var request = Request("?", options: GenerationOptions(sampling: Sampling(temperature: 0.7)))
        let model = scripted.cached(in: cache)
        for sample in [0, 1, 0, 1] {
            request.sample = sample
            #expect(try await model.respond(to: request).text == "\(sample)")
        }
        request.options.seed = 1
        #expect(try await model.respond(to: request).text == "2")
        #expect(try await scripted.named("other").cached(in: cache).respond(to: request).text == "3")
        #expect(try await scripted.cached(in: cache, as: "build 2").respond(to: request).text == "4")
    }

    @Test("streams what it has stored")
    func streaming() async throws {
        let model = ScriptedModel("small", answers: ["one two three"]).cached(
            in: try ResponseCache(path: place.path)
        )
        for _ in 0..<2 {
            var text = ""
            for try await piece in model.stream("?").text { text += piece }
            #expect(text == "one two three")
        }
    }

    @Test("does not keep failures, nor what a run's budget cut short")
    func failures() async throws {
        let cache = try ResponseCache(path: place.path)
        let model = ScriptedModel("small") { (_, call) throws(CollabError) in
            if call == 0 { throw CollabError(.serverError, "Out of order.") }
            return "one two three"
        }.cached(in: cache)
        await #expect(throws: CollabError.self) { try await model.respond(to: "?") }
        let cut = try await model.respond(to: "?", in: Run(budget: .tokens(2)))
        #expect(cut.ending == .budgetExhausted)
        #expect(try await model.respond(to: "?").text == "one two three")
        #expect(try await cache.contents().answers == 1)
    }

    @Test("lets go of the answers that were used least recently when it is full")
    func eviction() async throws {
        let model = ScriptedModel("small") { (request, _) throws(CollabError) in
            ScriptedAnswer(request.question + String(repeating: "x", count: 1000))
        }
        let cache = try ResponseCache(path: place.path, capacity: 6000)
        let cached = model.cached(in: cache)
        for question in ["a", "b", "c"] { _ = try await cached.respond(to: Request(question)) }
        #expect(try await cache.contents().answers == 3)
        _ = try await cached.respond(to: "a")
        for question in ["d", "e"] { _ = try await cached.respond(to: Request(question)) }
        let contents = try await cache.contents()
        #expect(contents.bytes <= 6000)
        #expect(cache.statistics.evictions >= 1)
        let calls = model.callCount
        _ = try await cached.respond(to: "a")
        #expect(model.callCount == calls, "“a” was used later than “b”")
        _ = try await cached.respond(to: "b")
        #expect(model.callCount == calls + 1)
        // What is larger than the whole cache is handed on and not kept.
        let tiny = try ResponseCache(path: place.path + "-tiny", capacity: 100)
        _ = try await model.cached(in: tiny).respond(to: "a")
        #expect(try await tiny.contents().bytes == 0)
    }

    @Test("may be shared by several openings of one file that write at once")
    func sharedFile() async throws {
        let path = place.path
        let caches = try (0..<4).map { _ in try ResponseCache(path: path) }
        try await withThrowingTaskGroup(of: Void.self) { group in
            for number in 0..<200 {
                let model = ScriptedModel("m", always: ScriptedAnswer("\(number)")).cached(
                    in: caches[number % 4]
                )
                group.addTask { _ = try await model.respond(to: Request("q\(number)")) }
            }
            try await group.waitForAll()
        }
        #expect(try await caches[0].contents().answers == 200)
        let model = ScriptedModel("m", answers: []).cached(in: caches[1])
        for number in 0..<200 {
            #expect(try await model.respond(to: Request("q\(number)")).text == "\(number)")
        }
    }

    @Test("holds no secret of the model, and only its owner may read it")
    func secrets() async throws {
        let canary = "sk-canary-8842"
        let model = ScriptedModel("small") { [canary] (_, _) throws(CollabError) in
            // The model has a key, and does not tell it.
            ScriptedAnswer("\(canary.count)")
        }
        do {
            let cache = try ResponseCache(path: place.path)
            _ = try await model.cached(in: cache).respond(to: "?")
        }
        for name in try FileManager.default.contentsOfDirectory(atPath: place.folder) {
            let file = place.folder + "/" + name
            #expect(try Data(contentsOf: URL(filePath: file)).range(of: Data(canary.utf8)) == nil)
            let mode = try FileManager.default.attributesOfItem(atPath: file)[.posixPermissions] as? Int
            #expect(mode == 0o600, "\(name)")
        }
    }
}

/// A model with one answer.
private struct Fixed: TextModel {
    let name = "small"
    let response: Response

    func generate(_ request: Request, into sink: ResponseSink) async throws(CollabError) -> Response {
        await sink.send(response.text)
        return response
    }
}

/// A folder of its own for each test, removed with it.
final class TemporaryPlace: Sendable {
    let folder = FileManager.default.temporaryDirectory.appending(path: "cache-\(UUID())").path
    var path: String { folder + "/answers.sqlite" }

    init() { try? FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true) }
    deinit { try? FileManager.default.removeItem(atPath: folder) }
}
