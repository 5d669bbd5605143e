public import Collab
public import Logging
public import Metrics
public import Tracing

/// Tells logs, metrics and traces what happens in a run.
///
/// ```swift
/// let telemetry = Telemetry()
/// let answer = try await team.respond(to: "…", in: telemetry.observing(Run()))
/// ```
///
/// Names follow OpenTelemetry's semantic conventions for generative AI (1.37), whose status is “development”: see
/// ``GenAI``. What was asked and answered is told to nobody unless ``Content/recorded`` says so; then it goes into the
/// spans alone. Messages of errors, which may quote a server, are logged at the level `debug`.
public struct Telemetry: Sendable {
    /// Whether spans carry what was asked and answered.
    public enum Content: Hashable, Sendable {
        /// They do not.
        case omitted
        /// They do, as `gen_ai.input.messages` and `gen_ai.output.messages`. It may be personal, and it may be long.
        case recorded
    }

    /// Where log messages go.
    public var logger: Logger
    /// Where metrics go; `nil`: to the factory of the process, `MetricsSystem`.
    public var metrics: (any MetricsFactory)?
    /// Where spans go; `nil`: to the tracer of the process, `InstrumentationSystem`.
    public var tracer: (any Tracer)?
    /// Whether spans carry what was asked and answered.
    public var content: Content
    /// Who serves a model, by its name: the value of `gen_ai.provider.name`.
    public var provider: @Sendable (_ model: String) -> String

    /// Makes telemetry.
    ///
    /// - Parameter provider: who serves a model, by its name; `openai` and `anthropic` are among the values that the
    ///   conventions know.
    public init(
        logger: Logger = Logger(label: "collab"),
        metrics: (any MetricsFactory)? = nil,
        tracer: (any Tracer)? = nil,
        content: Content = .omitted,
        provider: @escaping @Sendable (_ model: String) -> String = { _ in "collab" }
    ) {
        self.logger = logger
        self.metrics = metrics
        self.tracer = tracer
        self.content = content
        self.provider = provider
    }

    /// The run, whose events from now on are told; its outermost spans are children of the current span.
    public func observing(_ run: Run) -> Run {
        let observer = RunObserver(self, parent: ServiceContext.current ?? .topLevel)
        _ = run.listen { [weak run] event in
            if let run { observer.receive(event, of: run) }
        }
        return run
    }
}
