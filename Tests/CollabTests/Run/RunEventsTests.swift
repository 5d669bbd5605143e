import Collab
import CollabTesting
import Testing

@Suite("Events of a run")
struct RunEventsTests {
    @Test("that nobody reads fast enough are dropped, oldest first, and counted")
    func dropped() async throws {
        let run = Run()
        let events = run.events
        let model = ScriptedModel("small", always: "yes")
        // Each call makes three events: it begins, it writes a piece, it ends.
        for _ in 0..<2000 { _ = try await model.respond(to: "?", in: run) }
        var iterator = events.makeAsyncIterator()
        let first = try #require(await iterator.next())
        #expect(first.skipped == 6000 - RunEvents.capacity)
        var count = 1
        while count < RunEvents.capacity {
            let event = try #require(await iterator.next())
            #expect(event.skipped == 0)
            count += 1
        }
        // The newest is kept, and the trace is whole.
        _ = try await model.respond(to: "?", in: run)
        let next = try #require(await iterator.next())
        guard case .started = next.kind else { Issue.record("\(next)"); return }
        #expect(next.skipped == 0)
        #expect(next.node == 2000)
    }

    @Test("end for a reader whose task is cancelled")
    func cancelled() async {
        let events = Run().events
        let reader = Task {
            var iterator = events.makeAsyncIterator()
            return await iterator.next() == nil
        }
        reader.cancel()
        #expect(await reader.value)
    }

    @Test("in the stream of an answer do not pile up before a reader who does not read")
    func stream() async throws {
        let run = Run()
        let quiet = ScriptedModel("quiet", always: "yes")
        let busy = ScriptedModel("busy") { (_, _) throws(CollabError) in
            for _ in 0..<1000 { _ = try await quiet.respond(to: "?") }
            return "done"
        }
        let stream = busy.stream("?", in: run)
        var iterator = stream.makeAsyncIterator()
        var (events, skipped) = (0, 0)
        _ = try await iterator.next()
        // All that the busy model does happens while nobody reads.
        while run.usage.calls < 1000 { await Task.yield() }
        while let event = try await iterator.next() {
            guard case .event(let event) = event else { continue }
            events += 1
            skipped += event.skipped
        }
        #expect(events <= 1100)
        #expect(skipped > 1500)
    }
}
