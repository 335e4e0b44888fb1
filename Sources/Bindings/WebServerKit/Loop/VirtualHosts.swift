internal import CWebSockets
internal import CWebSocketsShims
import Glibc

/// The virtual hosts of one context: where TLS settings live in libwebsockets. Used on the loop only; freed with the context.
struct VirtualHosts {
    /// The one protocol of every host. Its bytes are `protocols[0].name`.
    static let protocolName: StaticString = "viaduct"

    private let context: OpaquePointer
    /// Immutable table that the context points into; lives as long as this process needs the code.
    nonisolated(unsafe) private static let protocols: UnsafeMutablePointer<lws_protocols> = {
        // unsafe: written once here, only read afterwards
        let table = UnsafeMutablePointer<lws_protocols>.allocate(capacity: 2)
        table.initialize(repeating: lws_protocols(), count: 2)
        table[0].name = protocolNamePointer
        table[0].callback = serviceCallback
        return table
    }()

    static var protocolNamePointer: UnsafePointer<CChar> {
        UnsafeRawPointer(protocolName.utf8Start).assumingMemoryBound(to: CChar.self)
    }

    init(context: OpaquePointer) { self.context = context }

    /// A host without TLS.
    func makePlain() -> OpaquePointer? { make(named: "plain") { _ in } }

    /// A host that serves TLS with these files; nil when they cannot be used.
    func makeServer(_ files: TLSFiles) -> OpaquePointer? {
        guard access(files.certificatePath, R_OK) == 0, access(files.keyPath, R_OK) == 0 else { return nil }
        return files.certificatePath.withCString { certificate in
            files.keyPath.withCString { key in
                make(named: "server") { info in
                    info.ssl_cert_filepath = certificate
                    info.ssl_private_key_filepath = key
                    info.ssl_options_set = viaduct_lws_server_tls_options()
                }
            }
        }
    }

    /// A host for clients that trusts the system's authorities, or only those in this PEM file.
    func makeClient(authorityPath: String?) -> OpaquePointer? {
        withOptionalCString(authorityPath) { authority in
            make(named: "client") { info in
                info.options |= UInt64(LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT)
                if authority != nil { info.options |= UInt64(LWS_SERVER_OPTION_DISABLE_OS_CA_CERTS) }
                info.client_ssl_ca_filepath = authority
                info.ssl_client_options_set = viaduct_lws_client_tls_options()
            }
        }
    }

    private func make(named name: StaticString, _ configure: (inout lws_context_creation_info) -> Void) -> OpaquePointer? {
        var info = lws_context_creation_info()
        info.port = CONTEXT_PORT_NO_LISTEN_SERVER
        info.protocols = UnsafePointer(Self.protocols)
        info.vhost_name = UnsafeRawPointer(name.utf8Start).assumingMemoryBound(to: CChar.self)
        // Only this is offered in TLS; what libwebsockets would do with h2 is not what the bytes are parsed as here.
        let alpn: StaticString = "http/1.1"
        info.alpn = UnsafeRawPointer(alpn.utf8Start).assumingMemoryBound(to: CChar.self)
        configure(&info)
        return lws_create_vhost(context, &info)
    }

    private func withOptionalCString<Result>(_ text: String?, _ body: (UnsafePointer<CChar>?) -> Result) -> Result {
        guard let text else { return body(nil) }
        return text.withCString { body($0) }
    }
}
