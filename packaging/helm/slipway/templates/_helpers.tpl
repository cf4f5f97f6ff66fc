{{- define "slipway.name" -}}
{{- if contains "slipway" .Release.Name }}{{ .Release.Name | trunc 50 | trimSuffix "-" }}{{ else }}{{ printf "%s-slipway" .Release.Name | trunc 50 | trimSuffix "-" }}{{ end }}
{{- end }}

{{- define "slipway.selector" -}}
app.kubernetes.io/name: slipway
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "slipway.labels" -}}
{{ include "slipway.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ .Chart.Name }}-{{ .Chart.Version }}
{{- end }}

{{- define "slipway.account" -}}
{{- if .Values.serviceAccount.create }}{{ .Values.serviceAccount.name | default (include "slipway.name" .) }}{{ else }}{{ .Values.serviceAccount.name | default "default" }}{{ end }}
{{- end }}

{{- define "slipway.image" -}}
{{- if .Values.image.digest }}{{ .Values.image.repository }}@{{ .Values.image.digest }}{{ else }}{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}{{ end }}
{{- end }}

{{- define "slipway.worker" -}}
app.kubernetes.io/name: slipway-worker
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "slipway.person" -}}
runAsNonRoot: true
runAsUser: 10001
runAsGroup: 10001
fsGroup: 10001
fsGroupChangePolicy: OnRootMismatch
seccompProfile: {type: RuntimeDefault}
{{- end }}

{{- define "slipway.env" -}}
- {name: HOME, value: /var/lib/slipway}
- {name: SLIPWAY_SECRETS, value: /run/slipway/secrets}
{{- with .Values.database.url }}
- {name: SLIPWAY_DATABASE, value: {{ . | quote }}}
{{- end }}
{{- with .Values.telemetry.endpoint }}
- {name: OTEL_EXPORTER_OTLP_ENDPOINT, value: {{ . | quote }}}
{{- end }}
{{- with .Values.env }}{{ toYaml . | nindent 0 }}{{ end }}
{{- end }}

{{- define "slipway.probes" -}}
startupProbe:
  httpGet: {path: /healthz, port: http}
  periodSeconds: 2
  failureThreshold: 150
livenessProbe:
  httpGet: {path: /healthz, port: http}
  periodSeconds: 10
  timeoutSeconds: 5
  failureThreshold: 6
readinessProbe:
  httpGet: {path: /readyz, port: http}
  periodSeconds: 5
  timeoutSeconds: 6
{{- end }}

{{- define "slipway.box" -}}
securityContext:
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  capabilities: {drop: [ALL]}
volumeMounts:
  - {name: data, mountPath: /var/lib/slipway}
  - {name: platform, mountPath: /etc/slipway, readOnly: true}
  - {name: secrets, mountPath: /run/slipway/secrets, readOnly: true}
  - {name: tmp, mountPath: /tmp}
{{- end }}

{{- define "slipway.volumes" -}}
- name: platform
  configMap:
    name: {{ .Values.existingPlatform | default (include "slipway.name" .) }}
- name: tmp
  emptyDir: {}
- name: secrets
  projected:
    defaultMode: 0440
    sources:
      {{- with .Values.database.passwordSecret }}
      {{- if .name }}
      - secret: {name: {{ .name | quote }}, items: [{key: {{ .key | quote }}, path: database/password}]}
      {{- end }}
      {{- end }}
      {{- range .Values.secrets }}
      - secret: {name: {{ .name | quote }}, items: [{key: {{ .key | quote }}, path: {{ .ref | quote }}}]}
      {{- end }}
      {{- if not (or .Values.secrets .Values.database.passwordSecret.name) }} []{{ end }}
{{- end }}
