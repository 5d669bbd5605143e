import Collab
import Logging
import Metrics
import Tracing

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// Follows one run: opens a span when a node begins and closes it when the node ends.
final class RunObserver: Sendable {
    private struct Open: Sendable {
        var span: any Span
        var begin: Duration
    }

    private let telemetry: Telemetry
    private let parent: ServiceContext
    private let open = Protected<[Int: Open]>([:])

    init(_ telemetry: Telemetry, parent: ServiceContext) {
        self.telemetry = telemetry
        self.parent = parent
    }

    func receive(_ event: RunEvent, of run: Run) {
        switch event.kind {
        case .started(let kind, let name): begin(event, kind, name, of: run)
        case .finished(let usage): end(event, usage, failure: nil, of: run)
        case .failed(let code, let message): end(event, Usage(), failure: (code, message), of: run)
        case .text, .decided, .noted, .spoke: break
        }
    }

    private func begin(_ event: RunEvent, _ kind: TraceNode.Kind, _ name: String, of run: Run) {
        let node = run.node(event.node)
        let operation = Self.operation(of: node)
        let above = event.parent.flatMap { parent in open.withLock { $0[parent]?.span.context } } ?? parent
        let tracer = telemetry.tracer ?? InstrumentationSystem.tracer
        let span = tracer.startAnySpan(
            kind == .call ? "\(operation) \(name)" : name,
            context: above,
            ofKind: kind == .call ? .client : .internal
        )
        span.attributes[CollabTelemetry.kind] = kind.rawValue
        if kind == .call {
            span.attributes[GenAI.operation] = operation
            span.attributes[GenAI.provider] = telemetry.provider(name)
            span.attributes[GenAI.requestModel] = name
            if let request = node?.request { describe(request, in: span) }
        }
        open.withLock { $0[event.node] = Open(span: span, begin: event.time) }
        telemetry.logger.debug(
            "\(kind.rawValue) began",
            metadata: ["model": "\(name)", "node": "\(event.node)"]
        )
    }

    private func describe(_ request: Request, in span: any Span) {
        let options = request.options
        if let limit = options.maximumTokens { span.attributes[GenAI.maximumTokens] = limit }
        span.attributes[GenAI.temperature] = options.sampling.temperature
        if options.sampling.topP < 1 { span.attributes[GenAI.topP] = options.sampling.topP }
        if let topK = options.sampling.topK { span.attributes[GenAI.topK] = topK }
        if !options.stopSequences.isEmpty, telemetry.content == .recorded {
            span.attributes[GenAI.stopSequences] = options.stopSequences
        }
        if let seed = options.seed { span.attributes[GenAI.seed] = Int64(truncatingIfNeeded: seed) }
        if telemetry.content == .recorded {
            let messages = request.messages.map { ContentMessage(role: $0.role.rawValue, text: $0.text) }
            span.attributes[GenAI.inputMessages] = ContentMessage.json(messages)
        }
    }

    private func end(
        _ event: RunEvent,
        _ usage: Usage,
        failure: (code: CollabError.Code, message: String)?,
        of run: Run
    ) {
        guard
            let (span, begin) = open.withLock({ $0.removeValue(forKey: event.node) }).map({
                ($0.span, $0.begin)
            })
        else { return }
        guard let node = run.node(event.node) else { return span.end() }
        let used = node.kind == .call ? node.usage : usage
        let duration = event.time - begin
        span.attributes[GenAI.inputTokens] = used.promptTokens
        span.attributes[GenAI.outputTokens] = used.completionTokens
        if used.cost > .zero { span.attributes[CollabTelemetry.spanCost] = used.cost.units }
        if let billing = node.billing { span.attributes[CollabTelemetry.billing] = billing.rawValue }
        if let ending = node.ending { span.attributes[GenAI.finishReasons] = [ending.finishReason] }
        if let id = node.requestID { span.attributes[GenAI.responseID] = id }
        if let failure {
            span.attributes[GenAI.errorType] = failure.code.description
            // The message may quote what a server said; the code says enough.
            span.setStatus(SpanStatus(code: .error, message: failure.code.description))
        } else if telemetry.content == .recorded, node.kind == .call, let text = node.text {
            span.attributes[GenAI.outputMessages] = ContentMessage.json([
                ContentMessage(role: "assistant", text: text)
            ])
        }
        span.end()
        if node.kind == .call { measure(node, used, duration, failure?.code) }
        log(node, used, duration, failure)
    }

    private func measure(
        _ node: TraceNode,
        _ usage: Usage,
        _ duration: Duration,
        _ failure: CollabError.Code?
    ) {
        let factory = telemetry.metrics ?? MetricsSystem.factory
        let model = [
            (GenAI.operation, Self.operation(of: node)), (GenAI.provider, telemetry.provider(node.name)),
            (GenAI.requestModel, node.name),
        ]
        let outcome = failure?.description ?? (node.billing == .cached ? "cached" : "finished")
        Counter(
            label: CollabTelemetry.calls,
            dimensions: [(GenAI.requestModel, node.name), (CollabTelemetry.outcome, outcome)],
            factory: factory
        ).increment()
        let failed = failure.map { [(GenAI.errorType, $0.description)] } ?? []
        Timer(label: GenAI.duration, dimensions: model + failed, factory: factory).record(duration: duration)
        if usage.totalTokens > 0 {
            for (type, count) in [("input", usage.promptTokens), ("output", usage.completionTokens)] {
                Recorder(
                    label: GenAI.tokenUsage,
                    dimensions: model + [(GenAI.tokenType, type)],
                    aggregate: true,
                    factory: factory
                ).record(count)
            }
        }
        if usage.cost > .zero {
            Counter(
                label: CollabTelemetry.cost,
                dimensions: [(GenAI.requestModel, node.name)],
                factory: factory
            ).increment(by: usage.cost.billionths)
        }
    }

    private func log(
        _ node: TraceNode,
        _ usage: Usage,
        _ duration: Duration,
        _ failure: (code: CollabError.Code, message: String)?
    ) {
        var metadata: Logger.Metadata = [
            "model": "\(node.name)", "node": "\(node.id)",
            "milliseconds": "\(Int64((duration / .milliseconds(1)).rounded()))",
        ]
        if let failure {
            metadata["code"] = "\(failure.code)"
            telemetry.logger.warning("\(node.kind.rawValue) failed", metadata: metadata)
            telemetry.logger.debug("\(failure.message)", metadata: metadata)
            return
        }
        metadata["promptTokens"] = "\(usage.promptTokens)"
        metadata["completionTokens"] = "\(usage.completionTokens)"
        if node.billing == .cached { metadata["cached"] = "true" }
        telemetry.logger.log(
            level: node.kind == .call ? .info : .debug,
            "\(node.kind.rawValue) ended",
            metadata: metadata
        )
    }

    private static func operation(of node: TraceNode?) -> String {
        if case .completion = node?.request?.input { "text_completion" } else { "chat" }
    }
}

extension Response.Ending {
    /// The name by which the conventions know it.
    fileprivate var finishReason: String {
        switch self {
        case .finished: "stop"
        case .tokenLimit, .budgetExhausted: "length"
        case .filtered: "content_filter"
        case .refused: "refusal"
        case .toolCalls: "tool_calls"
        case .other(let name): name
        }
    }
}

/// A message in the shape that the conventions want.
private struct ContentMessage: Encodable {
    struct Part: Encodable {
        var type = "text"
        var content: String
    }

    var role: String
    var parts: [Part]

    init(role: String, text: String) {
        self.role = role
        parts = [Part(content: text)]
    }

    static func json(_ messages: [ContentMessage]) -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return (try? encoder.encode(messages)).map { String(decoding: $0, as: UTF8.self) } ?? "[]"
    }
}
