public import Collab

/// Checks that a model keeps the promises of ``TextModel``, for authors of backends.
///
/// ```swift
/// let violations = await BackendConformance(myModel).violations()
/// #expect(violations.isEmpty)
/// ```
public struct BackendConformance<Model: TextModel>: Sendable {
    /// The model under test.
    public let model: Model
    /// A question that the model can answer with a few words at least.
    public let question: String
    /// How quickly a cancelled call must end.
    public let patience: Duration

    /// Makes a suite for a model.
    public init(
        _ model: Model,
        question: String = "Name three colours.",
        patience: Duration = .seconds(5)
    ) {
        self.model = model
        self.question = question
        self.patience = patience
    }

    /// A promise that the model did not keep.
    public struct Violation: Sendable, CustomStringConvertible {
        /// The promise.
        public var promise: String
        /// What happened instead.
        public var observation: String
        /// Both in one line.
        public var description: String { "\(promise): \(observation)" }
    }

    /// Runs every check, one after the other.
    public func violations() async -> [Violation] {
        var found: [Violation] = []
        found += await piecesAreTheText()
        found += await emptyRequestsAreRefused()
        found += await badOptionsAreRefused()
        found += await tokenLimitIsHonoured()
        found += await greedyAnswersRepeat()
        found += await concurrentCallsStayApart()
        found += await cancellationBeforeTheCall()
        found += await cancellationWhileWriting()
        return found
    }

    var request: Request { Request(question, options: GenerationOptions(maximumTokens: 24)) }

    private func violated(_ promise: String, _ observation: some CustomStringConvertible) -> [Violation] {
        [Violation(promise: promise, observation: observation.description)]
    }

    /// A call and the pieces that it sent.
    private func write(_ request: Request) async -> (Result<Response, CollabError>, [String]) {
        let pieces = Protected<[String]>([])
        let sink = ResponseSink { piece in pieces.withLock { $0.append(piece) } }
        do throws(CollabError) {
            let response = try await model.generate(request, into: sink)
            return (.success(response), pieces.withLock { $0 })
        } catch {
            return (.failure(error), pieces.withLock { $0 })
        }
    }

    /// The pieces sent to the sink, joined, are the text returned; tokens and usage are plausible.
    public func piecesAreTheText() async -> [Violation] {
        let promise = "the pieces sent, joined, are the text returned"
        let (outcome, pieces) = await write(request)
        switch outcome {
        case .failure(let error): return violated(promise, "the call failed: \(error)")
        case .success(let response):
            var found: [Violation] = []
            if pieces.joined() != response.text {
                found += violated(promise, "sent “\(pieces.joined())”, returned “\(response.text)”")
            }
            if model.name.isEmpty { found += violated("the model has a name", "it is empty") }
            if let token = response.tokens?.first(where: { !($0.logprob <= 1e-6) }) {
                found += violated("log-probabilities are not above 0", token.logprob)
            }
            let usage = response.usage
            if min(usage.promptTokens, usage.completionTokens, usage.cachedTokens) < 0 {
                found += violated("usage is not negative", "\(usage)")
            }
            return found
        }
    }

    /// An empty request is refused as invalid, and nothing is written.
    public func emptyRequestsAreRefused() async -> [Violation] {
        await refuses(Request(""), "an empty request is refused with invalidRequest")
    }

    /// Options out of range are refused as invalid.
    public func badOptionsAreRefused() async -> [Violation] {
        var bad = request
        bad.options.sampling.temperature = -1
        return await refuses(bad, "a negative temperature is refused with invalidRequest")
    }

    private func refuses(_ request: Request, _ promise: String) async -> [Violation] {
        do throws(CollabError) {
            let response = try await model.respond(to: request)
            return violated(promise, "it was answered with “\(response.text)”")
        } catch {
            return error.code == .invalidRequest ? [] : violated(promise, "it failed with \(error.code)")
        }
    }

    /// An answer has at most the tokens allowed and says that it was cut.
    public func tokenLimitIsHonoured() async -> [Violation] {
        let promise = "maximumTokens is honoured"
        var short = request
        short.options.maximumTokens = 2
        switch await write(short).0 {
        case .failure(let error): return violated(promise, "the call failed: \(error)")
        case .success(let response):
            if response.usage.completionTokens > 2 {
                return violated(
                    promise,
                    "\(response.usage.completionTokens) tokens were written instead of 2"
                )
            }
            if let tokens = response.tokens, tokens.count > 2 {
                return violated(promise, "\(tokens.count) tokens were returned instead of 2")
            }
            return []
        }
    }

    /// The same request with greedy sampling gives the same answer.
    public func greedyAnswersRepeat() async -> [Violation] {
        let promise = "greedy answers repeat"
        let (first, second): (Response, Response)
        do throws(CollabError) {
            first = try await write(request).0.get()
            second = try await write(request).0.get()
        } catch {
            return violated(promise, "a call failed: \(error)")
        }
        return first.text == second.text ? [] : violated(promise, "“\(first.text)”, then “\(second.text)”")
    }

    /// Calls side by side do not mix their texts.
    public func concurrentCallsStayApart() async -> [Violation] {
        let promise = "calls side by side stay apart"
        let alone: Response
        switch await write(request).0 {
        case .success(let response): alone = response
        case .failure(let error): return violated(promise, "a call alone failed: \(error)")
        }
        let outcomes = await concurrentOutcomes(Array(0..<4)) { [self] _ throws(CollabError) in
            let (outcome, pieces) = await write(request)
            return (try outcome.get(), pieces)
        }
        for outcome in outcomes {
            switch outcome {
            case .failure(let error): return violated(promise, "a call failed: \(error)")
            case .success((let response, let pieces)):
                if pieces.joined() != response.text {
                    return violated(promise, "pieces of another answer arrived")
                }
                if response.text != alone.text {
                    return violated(promise, "“\(alone.text)” alone, “\(response.text)” beside others")
                }
            }
        }
        return []
    }
}
