import Collab
import CollabCache
import CollabTesting
import Testing

@Suite("Equal calls at the same time")
struct SingleFlightTests {
    private let place = TemporaryPlace()
    private let gate = Gate()

    private func held(_ answer: ScriptedAnswer?) -> ScriptedModel {
        ScriptedModel("small") { [gate] (_, _) throws(CollabError) in
            await gate.wait()
            guard let answer else { throw CollabError(.serverError, "Out of order.") }
            return answer
        }
    }

    /// Opens the gate once so many calls wait for one answer.
    private func open(_ cache: ResponseCache, callers: Int) async {
        while cache.callers < callers { await Task.yield() }
        gate.open()
    }

    @Test("ask the model once, and only one of them pays")
    func once() async throws {
        let cache = try ResponseCache(path: place.path)
        let scripted = held("yes it is")
        let model = scripted.cached(in: cache)
        let tasks = (0..<20).map { _ in Task { try await model.respond(to: "?") } }
        await open(cache, callers: 20)
        var calls = 0
        for task in tasks {
            let answer = try await task.value
            #expect(answer.text == "yes it is")
            calls += answer.usage.calls
        }
        #expect(scripted.callCount == 1)
        #expect(calls == 1)
        #expect(cache.statistics.misses == 1)
        #expect(cache.statistics.shared == 19)
    }

    @Test("do not disturb each other when one is cancelled, be it the first")
    func cancelOne() async throws {
        let cache = try ResponseCache(path: place.path)
        let scripted = held("yes")
        let model = scripted.cached(in: cache)
        let first = Task { try await model.respond(to: "?") }
        await gate.waitForWaiter()
        let second = Task { try await model.respond(to: "?") }
        while cache.callers < 2 { await Task.yield() }
        first.cancel()
        await #expect(throws: CollabError.self) { try await first.value }
        gate.open()
        #expect(try await second.value.text == "yes")
        #expect(scripted.callCount == 1)
    }

    @Test("stop the model when all are cancelled")
    func cancelAll() async throws {
        let stopped = Gate()
        struct Endless: TextModel {
            let name = "endless"
            let gate: Gate
            let stopped: Gate
            func generate(_ request: Request, into sink: ResponseSink) async throws(CollabError) -> Response {
                gate.open()
                do throws(CollabError) { try await Run.sleep(for: .seconds(3600)) } catch {
                    stopped.open()
                    throw error
                }
                return Response(text: "", model: name)
            }
        }
        let cache = try ResponseCache(path: place.path)
        let model = Endless(gate: gate, stopped: stopped).cached(in: cache)
        let tasks = (0..<3).map { _ in Task { try await model.respond(to: "?") } }
        await gate.wait()
        while cache.callers < 3 { await Task.yield() }
        for task in tasks { task.cancel() }
        for task in tasks { await #expect(throws: CollabError.self) { try await task.value } }
        await stopped.wait()
    }

    @Test("all get the error, which is not kept")
    func failure() async throws {
        let cache = try ResponseCache(path: place.path)
        let scripted = held(nil)
        let model = scripted.cached(in: cache)
        let tasks = (0..<5).map { _ in Task { try await model.respond(to: "?") } }
        await open(cache, callers: 5)
        for task in tasks {
            let error = await #expect(throws: CollabError.self) { try await task.value }
            #expect(error?.code == .serverError)
        }
        #expect(scripted.callCount == 1)
        await #expect(throws: CollabError.self) { try await model.respond(to: "?") }
        #expect(scripted.callCount == 2)
    }
}
