import Collab
import CollabTesting
import Foundation
import Testing

@Suite("A request")
struct RequestTests {
    @Test("asks what its last user turn, or its text, asks")
    func question() {
        let dialogue = Request([.system("S"), .user("1"), .assistant("2"), .user("3"), .assistant("4")])
        #expect(dialogue.question == "3")
        #expect(dialogue.replacingQuestion(with: "5").messages[3] == .user("5"))
        #expect(Request.completion("text").question == "text")
        #expect(Request.completion("text").replacingQuestion(with: "x").input == .completion("x"))
        #expect(Request("a \(1 + 1)").question == "a 2")
    }

    @Test("takes further turns and standing instructions")
    func turns() {
        #expect(Request("q").appending([.assistant("a")]).messages == [.user("q"), .assistant("a")])
        #expect(Request("q").prependingSystem("s").messages == [.system("s"), .user("q")])
    }

    @Test(
        "is refused if there is nothing to answer or an option is out of range",
        arguments: [
            Request(""), Request(" \n"), Request([]), .completion(""), Request([.user(""), .assistant("")]),
            Request("?", options: GenerationOptions(maximumTokens: 0)),
            Request("?", options: GenerationOptions(stopSequences: [""])),
            Request("?", options: GenerationOptions(alternatives: -1)),
            Request("?", options: GenerationOptions(sampling: Sampling(temperature: .nan))),
            Request("?", options: GenerationOptions(sampling: Sampling(topK: 0))),
            Request("?", options: GenerationOptions(sampling: Sampling(topP: 0))),
            Request("?", options: GenerationOptions(sampling: .temperature(1e45))),
            Request("?", options: GenerationOptions(sampling: Sampling(minP: 1.5))),
            Request("?", options: GenerationOptions(sampling: Sampling(repetitionPenalty: 0))),
        ]
    )
    func invalid(request: Request) async {
        let model = debater("m", "1")
        let error = await #expect(throws: CollabError.self) { try await model.respond(to: request) }
        #expect(error?.code == .invalidRequest)
        #expect(model.callCount == 0)
    }
}

@Suite("Options of a request")
struct GenerationOptionsTests {
    @Test("are written without what is usual, and read as they were written before there was a choice")
    func coding() throws {
        let usual = GenerationOptions(maximumTokens: 3, alternatives: 2)
        let text = try String(decoding: JSONEncoder().encode(usual), as: UTF8.self)
        #expect(!text.contains("reportsLogprobs"))
        #expect(try JSONDecoder().decode(GenerationOptions.self, from: Data(text.utf8)) == usual)
        let quiet = GenerationOptions(stopSequences: ["x"], seed: 7, reportsLogprobs: false)
        let copy = try JSONDecoder().decode(GenerationOptions.self, from: JSONEncoder().encode(quiet))
        #expect(copy == quiet)
    }
}

@Suite("A response stream")
struct ResponseStreamTests {
    @Test("begins nothing before it is iterated")
    func lazy() async throws {
        let model = debater("m", "1")
        let stream = model.stream("?")
        #expect(model.callCount == 0)
        #expect(try await stream.collect().text == "1")
        #expect(model.callCount == 1)
    }

    @Test("ends with the whole response, after all text and events")
    func last() async throws {
        var kinds: [String] = []
        for try await event in debater("m", "one two").stream("?") {
            switch event {
            case .text(let text): kinds.append("text:\(text)")
            case .event: break
            case .response(let response): kinds.append("response:\(response.text)")
            }
        }
        #expect(kinds == ["text:one", "text: two", "response:one two"])
    }

    @Test("throws what the model throws, after the pieces that came before")
    func failure() async throws {
        let model = debater("m", "one two three")
            .injecting(.failureAfter(pieces: 2, CollabError(.transport, "Cut."))) { _ in true }
        var pieces: [String] = []
        let error = await #expect(throws: CollabError.self) {
            for try await piece in model.stream("?").text { pieces.append(piece) }
        }
        #expect(error?.code == .transport)
        #expect(pieces == ["one", " two"])
    }

    @Test("slows a writer down that is faster than its reader")
    func backPressure() async throws {
        let written = Protected(0)
        struct Flood: TextModel {
            let name = "flood"
            let written: Protected<Int>
            func generate(_ request: Request, into sink: ResponseSink) async throws(CollabError) -> Response {
                var text = ""
                for _ in 0..<5000 {
                    if Task.isCancelled { throw .cancelled }
                    await sink.send("x")
                    text += "x"
                    written.withLock { $0 += 1 }
                }
                return Response(text: text, model: name)
            }
        }
        var count = 0
        for try await event in Flood(written: written).stream("?") {
            guard case .text = event else { continue }
            count += 1
            if count == 1 {
                try await Task.sleep(for: .milliseconds(30))
                #expect(written.withLock { $0 } < 1000)
            }
        }
        #expect(count == 5000)
    }

    @Test("stops the writer when its task is cancelled")
    func cancelled() async throws {
        let gate = Gate()
        let model = ScriptedModel("m") { (_, _) throws(CollabError) in
            gate.open()
            while !Task.isCancelled { await Task.yield() }
            throw .cancelled
        }
        let task = Task { try await model.stream("?").collect() }
        await gate.wait()
        task.cancel()
        let error = await #expect(throws: CollabError.self) { try await task.value }
        #expect(error?.code == .cancelled)
    }
}
