import Collab
import Testing

@testable import CollabBackends

/// How an answer is put together, chunk by chunk, without a server.
@Suite("Answer assembly")
struct AnswerAssemblyTests {
    private func assemble(
        _ events: [String],
        alternatives: Int = 0
    ) throws(AnswerAssembly.Problem) -> AnswerAssembly {
        var assembly = AnswerAssembly(alternatives: alternatives, maximumTokens: nil)
        for event in events { _ = try assembly.consume(Array(event.utf8)) }
        return assembly
    }

    private func response(_ assembly: AnswerAssembly, price: Price? = nil) -> Response {
        assembly.response(model: "m", promptBytes: 40, price: price)
    }

    @Test("the largest limit that there is is a limit like any other")
    func largestLimit() throws {
        var assembly = AnswerAssembly(alternatives: 0, maximumTokens: .max)
        let text = try assembly.consume(Array(#"{"choices":[{"delta":{"content":"Hi"}}]}"#.utf8))
        #expect(text == "Hi")
    }

    @Test("OpenAI's form: role, pieces, finish reason, usage without choices, [DONE]")
    func openAIForm() throws {
        let assembly = try assemble([
            #"{"choices":[{"index":0,"delta":{"role":"assistant","content":null},"finish_reason":null}],"obfuscation":"x"}"#,
            #"{"choices":[{"index":0,"delta":{"content":"Hel"},"finish_reason":null}]}"#,
            #"{"choices":[{"index":0,"delta":{"content":"lo"},"finish_reason":null}]}"#,
            #"{"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}"#,
            #"{"choices":[],"usage":{"prompt_tokens":9,"completion_tokens":2,"prompt_tokens_details":{"cached_tokens":4}}}"#,
            "[DONE]",
        ])
        #expect(assembly.isDone)
        let price = Price(promptPerMillion: 1, cachedPerMillion: 0.5, completionPerMillion: 2)
        let result = response(assembly, price: price)
        #expect(result.text == "Hello")
        #expect(result.ending == .finished)
        #expect(result.tokens == nil)
        #expect(result.usage.promptTokens == 9)
        #expect(result.usage.cachedTokens == 4)
        #expect(result.usage.completionTokens == 2)
        #expect(result.usage.cost == Money(11e-6))
    }

    @Test("vLLM's form: the finish reason comes with the last token, running usage in every chunk")
    func vLLMForm() throws {
        let assembly = try assemble([
            #"{"choices":[{"index":0,"delta":{"role":"assistant","content":""},"logprobs":null,"finish_reason":null}],"usage":{"prompt_tokens":5,"completion_tokens":0}}"#,
            #"{"choices":[{"index":0,"delta":{"content":"Hi"},"finish_reason":null}],"usage":{"prompt_tokens":5,"completion_tokens":1}}"#,
            #"{"choices":[{"index":0,"delta":{"content":"!"},"finish_reason":"length","stop_reason":null}],"usage":{"prompt_tokens":5,"completion_tokens":2}}"#,
        ])
        #expect(assembly.isComplete && !assembly.isDone)
        #expect(response(assembly).text == "Hi!")
        #expect(response(assembly).ending == .tokenLimit)
        #expect(response(assembly).usage.completionTokens == 2)
    }

    @Test("Chat log-probabilities carry ids and bytes; half a character is bytes, not U+FFFD")
    func chatLogprobs() throws {
        let assembly = try assemble(
            [
                #"{"choices":[{"index":0,"delta":{"content":"A"},"logprobs":{"content":[{"id":7,"token":"A","bytes":[65],"logprob":-0.5,"top_logprobs":[{"id":8,"token":"B","bytes":[66],"logprob":-2},{"id":7,"token":"A","bytes":[65],"logprob":-0.5},{"id":9,"token":"","bytes":[240,159],"logprob":-3}]}]}}]}"#,
                #"{"choices":[{"index":0,"delta":{"content":""},"logprobs":{"content":[{"token":"\ufffd","bytes":[240,159],"logprob":-1,"top_logprobs":[]}]}}]}"#,
            ],
            alternatives: 2
        )
        let tokens = try #require(response(assembly).tokens)
        #expect(tokens.count == 2)
        #expect(tokens[0].id == 7)
        #expect(tokens[0].alternatives.map(\.id) == [7, 8], "most probable first, as many as asked for")
        #expect(tokens[1].bytes == [240, 159])
        #expect(tokens[1].id == nil)
    }

    @Test("The older form of completions: maps keyed by text")
    func completionLogprobs() throws {
        let assembly = try assemble(
            [
                #"{"choices":[{"index":0,"text":" Paris.","finish_reason":"length","logprobs":{"text_offset":[0,6],"tokens":[" Paris","."],"token_logprobs":[-0.26,-0.39],"top_logprobs":[{" the":-2.7," Paris":-0.26},null]}}]}"#
            ],
            alternatives: 1
        )
        let tokens = try #require(response(assembly).tokens)
        #expect(tokens.map { String(decoding: $0.bytes, as: UTF8.self) } == [" Paris", "."])
        #expect(tokens[0].alternatives.map(\.logprob) == [-0.26])
        #expect(tokens[1].alternatives.isEmpty)
    }

    @Test("Azure's first chunk without choices, null deltas and missing fields are nothing to worry about")
    func relaxedDecoding() throws {
        let assembly = try assemble([
            #"{"choices":[],"prompt_filter_results":[]}"#, #"{"id":"x"}"#, "{}",
            #"{"choices":[{"delta":null}]}"#,
            #"{"choices":[{"delta":{"content":[{"type":"text","text":"Hi"}]}}],"usage":null}"#,
            #"{"choices":[{"index":1,"delta":{"content":"other"}}]}"#,
        ])
        #expect(assembly.text == "Hi")
        #expect(!assembly.isComplete)
    }

    @Test("Without usage from the server it is estimated: never nothing for something")
    func estimate() throws {
        let assembly = try assemble([#"{"choices":[{"delta":{"content":"Hello"}}]}"#])
        #expect(
            response(assembly).usage
                == Usage(promptTokens: 10, completionTokens: 1, calls: 1, unpricedCalls: 1)
        )
    }

    @Test("Senseless usage is no usage")
    func badUsage() throws {
        let assembly = try assemble([
            #"{"choices":[{"delta":{"content":"Hello"}}],"usage":{"prompt_tokens":-5,"completion_tokens":3}}"#
        ])
        #expect(assembly.usage == nil)
    }

    @Test("A whole answer is taken in one piece")
    func wholeAnswer() throws {
        var assembly = AnswerAssembly(alternatives: 0, maximumTokens: nil)
        let body =
            #"{"choices":[{"index":0,"message":{"role":"assistant","content":"Hi"},"finish_reason":"stop"}],"usage":{"prompt_tokens":1,"completion_tokens":1}}"#
        #expect(try assembly.consumeWhole(Array(body.utf8)) == "Hi")
        #expect(response(assembly).ending == .finished)
    }

    @Test(
        "Complaints in the stream are classified by their words, or by the status that they name",
        arguments: [
            (#"{"error":{"message":"x","type":"overloaded_error"}}"#, RemoteFailure.Kind.overloaded),
            (#"{"error":{"message":"x","type":"rate_limit_error","code":null}}"#, .rateLimited),
            (#"{"error":{"message":"x","type":"server_error","code":503}}"#, .overloaded),
            (#"{"error":{"message":"x","code":"context_length_exceeded"}}"#, .contextTooLong),
            (
                #"{"error":{"code":400,"message":"too long","type":"exceed_context_size_error","n_ctx":2048}}"#,
                .contextTooLong
            ),
            (#"{"error":{"message":"x","type":"insufficient_quota"}}"#, .quotaExhausted),
            (#"{"type":"error","error":{"type":"authentication_error","message":"x"}}"#, .unauthenticated),
            (#"{"object":"error","message":"x","type":"BadRequestError","code":400}"#, .invalidRequest),
            (#"{"error":"out of memory"}"#, .serverError), (#"{"detail":"x"}"#, .serverError),
        ]
    )
    func complaints(event: String, kind: RemoteFailure.Kind) {
        var assembly = AnswerAssembly(alternatives: 0, maximumTokens: nil)
        do throws(AnswerAssembly.Problem) {
            _ = try assembly.consume(Array(event.utf8))
            Issue.record("no complaint")
        } catch {
            guard case .complaint(let complaint) = error else {
                Issue.record("\(error)")
                return
            }
            #expect(complaint.kind(httpStatus: nil) == kind)
        }
    }

    @Test("The context length that a server names is kept")
    func contextLength() {
        let body =
            #"{"error":{"code":400,"message":"m","type":"exceed_context_size_error","n_prompt_tokens":6001,"n_ctx":2048}}"#
        let complaint = ServerComplaint(body: Array(body.utf8))
        #expect(complaint.contextLength == 2048)
        #expect(complaint.kind(httpStatus: 400) == .contextTooLong)
    }

    @Test(
        "Dates in headers",
        arguments: [
            ("Thu, 01 Jan 1970 00:00:00 GMT", 0), ("Wed, 21 Oct 2015 07:28:00 GMT", 1_445_412_480),
            ("Thu, 29 Feb 2024 23:59:59 GMT", 1_709_251_199),
            ("Tue, 01 Mar 2100 00:00:00 GMT", 4_107_542_400),
        ]
    )
    func dates(text: String, seconds: Int) {
        #expect(secondsSince1970(httpDate: text) == seconds)
    }

    @Test(
        "What is no date is none",
        arguments: ["", "soon", "Wed, 21 Oct 2015", "Wed, 99 Oct 2015 07:28:00 GMT"]
    )
    func noDates(text: String) {
        #expect(secondsSince1970(httpDate: text) == nil)
    }

    @Test("Any bytes at all: an error at worst, never a crash", arguments: 0..<20)
    func fuzz(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        let seedText =
            #"{"choices":[{"index":0,"delta":{"content":"A"},"logprobs":{"content":[{"token":"A","bytes":[65],"logprob":-0.5,"top_logprobs":[]}]},"finish_reason":"stop"}],"usage":{"prompt_tokens":1,"completion_tokens":1}}"#
        for _ in 0..<200 {
            var bytes = Array(seedText.utf8)
            for _ in 0..<Int.random(in: 1...6, using: &random) {
                let position = Int.random(in: 0..<bytes.count, using: &random)
                switch Int.random(in: 0..<3, using: &random) {
                case 0: bytes[position] = UInt8.random(in: 0...255, using: &random)
                case 1: bytes.remove(at: position)
                default: bytes.insert(contentsOf: bytes[..<min(position, 9)], at: position)
                }
            }
            var assembly = AnswerAssembly(alternatives: 2, maximumTokens: 5)
            _ = try? assembly.consume(bytes)
            _ = try? assembly.consumeWhole(bytes)
            let result = response(assembly)
            #expect(result.tokens?.allSatisfy { $0.logprob.isFinite } ?? true)
        }
    }
}
