import Collab
import Foundation
import Testing

@testable import CollabBackends

/// Everything that `Fixtures/servers/README.md` lists, in a process of its own, with retries and three seconds a call.
///
/// What each outcome is like is the matter of other tests; here none hangs, none is left out, and nothing stays behind.
@Suite("Remote: the table of all faults", .timeLimit(.minutes(3)))
struct RemoteFaultTableTests {
    /// What has to come of a fault.
    enum Expectation: Sendable {
        /// An answer that begins and ends as it should.
        case answer
        /// An error with one of these codes.
        case error(Set<String>)

        static func error(_ codes: String...) -> Expectation { .error(Set(codes)) }
    }

    static let expectations: [(specs: [String], expectation: Expectation)] = [
        (
            [
                "ok", "nodone", "nofinish", "truncate=nofinal_newline", "hangdone=30", "mid=html", "mid=nan",
                "mid=badutf8", "mid=surrogate", "split=1,tokens=2", "split=7", "frame=crlf", "frame=cr",
                "frame=nospace",
                "frame=multiline", "frame=comments", "frame=bom", "ascii", "http10", "ctype=text%2Fhtml",
                "ctype=none", "ignore_stream", "mid=emptychoices", "mid=unknown", "dup=final", "dup=all",
                "after_done=garbage", "finish=weird", "finish=content_filter", "finish=length", "toolfrag",
                "choices=2", "usage=none", "usage=every", "usage_force", "logprob_floor", "token_ms=50",
                "ignore_stream,nonstream=gzip", "redirect=same", "redirect=relative", "ignore_stream,cookie",
                "noexpect", "ignore_stream,stale", "concurrency=8", "rps=20",
                "rate_limit=60,rate_remaining=0,rate_reset=6s", "status=429,retry_after=1,times=1",
                "status=429,retry_after_ms=300,times=1", "status=503,retry_after=date,date_s=1,times=1",
                "reset=before,times=1", "reset=fin,times=1", "reset=garbage,times=1",
            ], .answer
        ),
        (
            [
                "status=500", "status=502", "status=503", "status=504", "status=408", "status=409",
                "status=529", "status=503,retry_after=pastdate", "status=503,retry_after=-5",
                "status=503,retry_after=nan", "status=503,retry_after=abc", "status=503,retry_after=1e9",
                "status=500,body=openai", "status=500,body=anthropic", "status=500,body=llamacpp",
                "status=500,body=vllm", "status=500,body=vllm_old", "status=500,body=string",
                "status=500,body=detail", "status=500,body=html", "status=500,body=empty",
                "status=500,body=badjson", "status=500,body=echo", "status=500,body=control",
                "status=500,body=big,bytes=33554432", "mid=error", "mid=error,body=anthropic",
                "mid=error,body=llamacpp", "mid=error,body=string", "mid=error,then=done",
                "mid=error,then=continue", "ignore_stream,nonstream=error200",
            ], .error("serverError")
        ),
        (["mid=error,body=vllm"], .error("serverError", "invalidRequest")),
        (["status=429,should_retry=false", "status=429,body=quota"], .error("rateLimited")),
        (["status=401", "status=403", "need_key=K"], .error("unauthorized")),
        (["status=400", "status=404", "status=413", "status=422", "early=413"], .error("invalidRequest")),
        (["status=400,body=context"], .error("contextOverflow")),
        (
            [
                "reset=before", "reset=fin", "reset=garbage", "reset=billed", "reset=after_headers",
                "reset=mid", "truncate=fin", "truncate=halfevent", "ignore_stream,nonstream=clen_short",
                "ignore_stream,nonstream=clen_cut", "redirect=other,code=301", "redirect=other,code=302",
                "redirect=other,code=307", "redirect=other,code=308", "redirect=port", "redirect=loop",
                "redirect=file", "redirect=gopher",
            ], .error("transport")
        ),
        (["truncate=eof"], .error("truncatedResponse")),
        // The run's own deadline is met either within the call or by the stage above it.
        (["ttfb=30", "stall=30", "stall_pings=30", "drip=5"], .error("timeout", "budgetExhausted")),
        (
            [
                "mid=garbage", "mid=bigline,bytes=67108864", "mid=endless,endless_s=30",
                "ignore_stream,nonstream=garbage", "ignore_stream,nonstream=empty",
                "ignore_stream,nonstream=html", "ignore_stream,nonstream=nochoices",
                "ignore_stream,nonstream=nullcontent", "ignore_stream,nonstream=deep",
                "ignore_stream,nonstream=big,bytes=67108864", "ignore_stream,nonstream=gzipbomb,mib=64",
                "headerbomb=1000",
            ], .error("malformedResponse")
        ),
    ]

    /// Those that send many bytes: made one by one, on a server of their own, and measured.
    static let floods = [
        "status=500,body=big", "mid=bigline", "mid=endless", "nonstream=big", "nonstream=gzipbomb",
        "nonstream=deep", "headerbomb",
    ]

    /// The faults of the README's table: what its first column writes as code, but for what is no switch.
    static func listedFaults() throws -> [String] {
        let text = try String(contentsOfFile: "\(serverFolder)/README.md", encoding: .utf8)
        return text.split(separator: "\n").filter { $0.hasPrefix("| ") }.flatMap { row in
            row.dropFirst(2).prefix { $0 != "|" }.split(separator: "`", omittingEmptySubsequences: false)
                .enumerated().filter { $0.offset % 2 == 1 }.map { String($0.element) }
        }
    }

    @Test("The table of the README and the expectations name the same faults")
    func complete() throws {
        let known = Self.expectations.flatMap(\.specs)
        #expect(Set(known).count == known.count)
        #expect(Set(try Self.listedFaults()) == Set(known))
    }

    @Test(
        "Every fault ends in time and as it should, and leaves no connection, descriptor, memory or key behind"
    )
    func everyFault() async throws {
        let (server, flooding) = (try FaultServer.running(), try FaultServer.runningForFloods())
        var calls = [RemoteProbe.Call(base: server.base("ok", id: FaultServer.makeID("table")))]
        var cases: [(spec: String, id: String, server: FaultServer, expectation: Expectation)] = [
            ("ok", "", server, .answer)
        ]
        for (specs, expectation) in Self.expectations {
            for spec in specs {
                let isFlood = Self.floods.contains { spec.contains($0) }
                let (server, id) = (isFlood ? flooding : server, FaultServer.makeID("table"))
                calls.append(
                    RemoteProbe.Call(
                        base: server.base(spec, id: id),
                        alternatives: spec.contains("nan") || spec.contains("logprob") ? 3 : 0,
                        maximumTokens: spec.contains("endless") ? 20 : 0,
                        isMeasured: isFlood
                    )
                )
                cases.append((spec, id, server, expectation))
            }
        }
        for dialect in ["messages", "responses"] {
            let id = FaultServer.makeID("table")
            let base = server.base("mid=error", id: id)
            calls.append(RemoteProbe.Call(base: base, dialect: dialect))
            cases.append(("mid=error at \(dialect)", id, server, .error("serverError")))
        }
        let probe = try await RemoteProbe.run(calls, key: canaryKey)
        let isSanitised = ProbedFile.patience != nil
        for (outcome, (spec, id, server, expectation)) in zip(probe.outcomes, cases) {
            guard let outcome else {
                Issue.record("\(spec): no outcome")
                continue
            }
            switch expectation {
            case .answer:
                #expect(outcome.isAnswer, "\(spec): \(outcome.code) \(outcome.text)")
                #expect(outcome.text.hasPrefix("Paris"), "\(spec): \(outcome.text)")
                let last = spec.contains("tokens=2") ? "is" : "tea."
                #expect(outcome.text.hasSuffix(last), "\(spec): \(outcome.text)")
            case .error(let codes):
                // A busy machine may not send a flood before the deadline.
                let isFlood = Self.floods.contains { spec.contains($0) }
                let allowed = isFlood ? codes.union(["timeout", "budgetExhausted"]) : codes
                #expect(!outcome.isAnswer && allowed.contains(outcome.code), "\(spec): \(outcome)")
            }
            #expect(!outcome.text.contains(canaryKey), "\(spec): the key was printed")
            // The deadline is three seconds; the rest is patience with a busy machine.
            #expect(outcome.milliseconds < 6000, "\(spec): \(outcome.milliseconds) ms")
            // A sanitiser keeps what has been given back.
            if !isSanitised { #expect(outcome.bytes < 48 << 20, "\(spec): \(outcome.bytes >> 20) MiB") }
            if !id.isEmpty {
                let rest = try await server.statistics(id) { $0.inFlight == 0 }
                #expect(rest.inFlight == 0, "\(spec): still under way at the server")
            }
        }
        let descriptors = try #require(probe.descriptors)
        #expect(descriptors.after <= descriptors.before)
        let resident = try #require(probe.resident)
        if !isSanitised { #expect(resident.second - resident.first < 4 << 20, "\(resident)") }
        #expect(!probe.warnings.contains(canaryKey))
    }
}
