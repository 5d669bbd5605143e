/// Does not ask a model that has failed too often, until it has been tried again with success.
///
/// Failures that speak of the model's health count: lost connections, server errors, timeouts, broken answers. Rate
/// limits, refused requests and cancellations do not. Refused credentials open the circuit at once.
public struct CircuitBreakingModel<Base: TextModel>: TextModel {
    /// The model beneath.
    public let base: Base
    /// The circuit.
    public let breaker: CircuitBreaker

    /// The base's name.
    public var name: String { base.name }
    /// The base's.
    public var profile: ModelProfile { base.profile }

    /// Answers as the base does; throws ``CollabError/Code/circuitOpen``, saying when the model will be tried again,
    /// while the circuit is open.
    public func generate(_ request: Request, into sink: ResponseSink) async throws(CollabError) -> Response {
        let ticket = try breaker.admit(name)
        do throws(CollabError) {
            let response = try await base.generate(request, into: sink)
            breaker.succeed(ticket)
            return response
        } catch {
            var generator = SeededGenerator(seed: Run.current?.drawSeed("circuit of \(name)") ?? 0)
            breaker.fail(ticket, error, draw: generator.nextUnit())
            throw error
        }
    }
}

extension CircuitBreakingModel: Collaboration where Base: Collaboration {}

extension TextModel {
    /// The same model, which is not asked for a while after it has failed too often.
    public func circuitBreaking(_ rule: CircuitRule = CircuitRule()) -> CircuitBreakingModel<Self> {
        circuitBreaking(CircuitBreaker(rule))
    }

    /// The same model behind a circuit that others may share.
    public func circuitBreaking(_ breaker: CircuitBreaker) -> CircuitBreakingModel<Self> {
        CircuitBreakingModel(base: self, breaker: breaker)
    }
}
