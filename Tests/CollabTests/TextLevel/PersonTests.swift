import Collab
import CollabTesting
import Testing

@Suite("A person as a member")
struct PersonTests {
    @Test("casts the odd vote, at no cost")
    func vote() async throws {
        let person = Person("editor") { _ in "42" }
        let vote = Vote(answers: .numeric) {
            debater("a", "41"); debater("b", "42"); person
        }
        let answer = try await vote.respond(to: "?", in: Run(budget: .cost(Money(1))))
        #expect(answer.text == "42")
        let call = try #require(answer.trace?["editor"])
        #expect(call.usage.cost == .zero && call.usage.totalTokens == 0 && call.usage.calls == 1)
        #expect(call.usage.unpricedCalls == 0)
        #expect(person.profile.isLocal)
    }

    @Test("approves as a verifier, having seen the answer")
    func approval() async throws {
        let seen = Protected<[String]>([])
        let person = Person("editor") { request in
            seen.withLock { $0.append(request.question) }
            return request.question.contains("42") ? "Yes" : "No, one is missing"
        }
        let loop = VerifierLoop(attempts: 3, verifier: .model(person), answers: .numeric) {
            debater("a", "41", "42")
        }
        #expect(try await loop.respond(to: "?").text == "42")
        #expect(seen.withLock { $0.count } == 2)
    }

    @Test("is not waited for once the task is cancelled, though the closure pays no heed")
    func cancellation() async throws {
        let gate = Gate()
        let person = Person("slow") { _ in
            await gate.wait()
            return "42"
        }
        let task = Task { try await person.respond(to: "?") }
        await gate.waitForWaiter()
        task.cancel()
        let error = await #expect(throws: CollabError.self) { try await task.value }
        #expect(error?.code == .cancelled)
        gate.open()
    }

    @Test("who cannot be asked fails like any model")
    func failure() async throws {
        struct Away: Error {}
        let person = Person("away") { _ in throw Away() }
        let error = await #expect(throws: CollabError.self) { try await person.respond(to: "?") }
        #expect(error?.code == .callerFailed)
        #expect(error?.cause is Away)
    }
}
